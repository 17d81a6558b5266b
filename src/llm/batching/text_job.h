#pragma once

#include "llm/model/text_model.h"
#include "llm/sampling/logprobs.h"
#include "llm/sampling/sampling_settings.h"
#include "llm/sampling/token_constraint.h"

#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace llm {

// What a job hears of each token beside the text.
enum class TokenDetail : std::uint8_t { none, ids, logprobs };

// A prompt to continue, complete and within the model's limits.
struct GenerateJob {
    std::vector<Token> prompt = {};  // at least 1, fewer than the context holds
    std::uint32_t max_tokens = 0;    // at least 1
    SamplingSettings sampling = {};
    std::vector<std::string> stop = {};  // each at least 1 byte
    // The model's own tokens that end a text are never chosen.
    bool ignore_eos = false;
    // Until the reply has so many, no token is chosen that would end it, and no stop string counts.
    std::uint32_t min_tokens = 0;
    std::vector<Token> stop_tokens = {};             // end the text and are no part of it
    std::vector<std::vector<Token>> bad_words = {};  // never generated; each at least 1 token
    // What the whole reply has to follow. It decides where the reply may end, not the rules above.
    std::unique_ptr<TokenConstraint> constraint = {};
    std::vector<Token> shown_controls = {};  // control tokens whose spelling is part of the text
    TokenDetail detail = TokenDetail::none;
    std::uint32_t logprobs_top = 0;  // so many of the likeliest tokens beside each chosen one
    // The prompt's own logprobs are told too, before the reply. Computed token by token, and for
    // nobody else: `cache_scope` is the job's alone then.
    bool prompt_logprobs = false;
    std::string cache_scope = {};  // whose texts it may go on from: see PrefixTree
    int priority = 0;              // the lowest are parked first when cells run out
};

// A piece of the reply: whole UTF-8 characters, no part of a stop string.
struct TextOutput {
    std::string text;
    std::uint32_t tokens = 0;  // that were sampled since the last piece
    // Of these tokens, where the job asked for details; without logprobs just their ids.
    std::vector<Logprobs> details = {};
    // Of the prompt, all at once, where the job asked for them. That of its first token is NaN.
    std::vector<Logprobs> prompt_details = {};

    std::size_t bytes() const {
        std::size_t sum = text.size();
        for (const auto* list : {&details, &prompt_details})
            for (const Logprobs& each : *list)
                sum += sizeof(each) + each.top.size() * sizeof(TokenLogprob);
        return sum;
    }
    std::uint32_t units() const { return tokens; }
    bool append(TextOutput& next) {
        text += next.text;
        tokens += next.tokens;
        details.insert(details.end(), std::make_move_iterator(next.details.begin()),
                       std::make_move_iterator(next.details.end()));
        if (prompt_details.empty()) prompt_details = std::move(next.prompt_details);
        return true;
    }
};

}  // namespace llm

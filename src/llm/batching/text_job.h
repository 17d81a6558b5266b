#pragma once

#include "llm/model/text_model.h"
#include "llm/sampling/sampling_settings.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llm {

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
    std::string cache_scope = {};  // whose texts it may go on from: see PrefixTree
    int priority = 0;              // the lowest are parked first when cells run out
};

// A piece of the reply: whole UTF-8 characters, no part of a stop string.
struct TextOutput {
    std::string text;
    std::uint32_t tokens = 0;  // that were sampled since the last piece

    std::size_t bytes() const { return text.size(); }
    std::uint32_t units() const { return tokens; }
    bool append(TextOutput& next) {
        text += next.text;
        tokens += next.tokens;
        return true;
    }
};

}  // namespace llm

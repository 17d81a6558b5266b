#pragma once

#include "llm/model/model_card.h"
#include "llm/model/text_model.h"
#include "llm/sampling/sampling_settings.h"
#include "worker/openai/ignored_parameters.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llm {

// What a request can ask for, by this worker's model and settings.
struct RequestLimits {
    std::uint32_t vocabulary_size = 0;  // at least 1
    std::uint32_t context_tokens = 0;   // of one sequence, at least 1
    std::uint32_t parallel = 1;         // slots
    std::uint32_t stop_strings_max = 4;
    std::uint32_t prompts_max = 64;  // in one request, each of them a job
    bool fill_in_middle = false;     // the model has the tokens for it
    SamplingDefaults defaults = {};  // of what a request leaves out
};

// What a reply has to follow.
struct GrammarRequest {
    enum class Kind : std::uint8_t { json_object, json_schema, regex, choice, lark };

    Kind kind = Kind::json_object;
    std::string text = "";                  // a schema as JSON text, a regex, a Lark grammar
    std::vector<std::string> choices = {};  // the replies to choose from
    bool strict = false;                    // what of a schema cannot be enforced is an error
    std::string param = "";                 // where it stood in the body, for errors about it

    bool operator==(const GrammarRequest&) const = default;
};

// What chats and completions ask for alike, within all limits; absent fields have the defaults.
struct GenerationRequest {
    std::string model;
    std::optional<std::uint32_t> max_tokens;  // unset: to the end of the context
    double temperature = 1.0;
    double top_p = 1.0;
    double min_p = 0.0;
    double repetition_penalty = 1.0;
    double presence_penalty = 0.0;
    double frequency_penalty = 0.0;
    std::uint32_t top_k = 0;            // 0 = off
    std::uint32_t repeat_last_n = 128;  // tokens; 0 = all
    std::optional<std::int64_t> seed;   // unset: we choose
    std::vector<LogitBias> logit_bias;  // each token once
    std::vector<std::string> stop;
    std::uint32_t n = 1;  // replies to one prompt
    bool stream = false;
    bool include_usage = false;  // a last frame with the counts
    std::uint32_t min_tokens = 0;
    bool ignore_eos = false;
    std::vector<Token> stop_token_ids;
    std::vector<std::string> bad_words;
    std::int32_t priority = 0;
    std::string cache_salt;
    bool return_tokens = false;
    std::optional<GrammarRequest> grammar;
    std::vector<worker::IgnoredParameter> ignored;
};

}  // namespace llm

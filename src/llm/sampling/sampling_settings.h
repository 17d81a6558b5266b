#pragma once

#include "llm/model/text_model.h"

#include <cstdint>
#include <vector>

namespace llm {

// Added to the logit of a token.
struct LogitBias {
    Token token;
    float bias;
};

// How tokens are chosen. The defaults leave the model's distribution as it is.
struct SamplingSettings {
    double temperature = 1.0;           // 0 = the most likely token, whatever the filters say
    double top_p = 1.0;                 // 0..1; 1 = off
    double min_p = 0.0;                 // 0..1, as a share of the most likely; 0 = off
    double repetition_penalty = 1.0;    // 1 = off, and so is 0
    std::uint32_t top_k = 0;            // 0 = off
    std::uint32_t repeat_last_n = 128;  // tokens that the repetition looks back on; 0 = all
    std::uint64_t seed = 0;
    // Taken off a logit for a token that was chosen before, and for each time that it was. The
    // prompt does not count. Source: OpenAI, "Parameter details": "how often that token was sampled
    // prior to the current position".
    double presence_penalty = 0.0;
    double frequency_penalty = 0.0;
    std::vector<LogitBias> logit_bias = {};  // of tokens that the vocabulary has
};

}  // namespace llm

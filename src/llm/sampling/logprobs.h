#pragma once

#include "llm/model/text_model.h"

#include <cstdint>
#include <span>
#include <vector>

namespace llm {

// The natural logarithm of a token's probability; -infinity for one that cannot come.
struct TokenLogprob {
    Token token;
    float logprob;
};

struct Logprobs {
    TokenLogprob chosen;
    std::vector<TokenLogprob> top = {};  // the most likely first; of equal ones the lower token
};

// What the model itself says, before penalties, filters and temperature, about the token that was
// chosen and about the `top_n` most likely ones; those that cannot come are left out.
// Source: OpenAI, `logprobs` and `top_logprobs` of a chat completion.
Logprobs logprobs(std::span<const float> logits, Token chosen, std::uint32_t top_n);

}  // namespace llm

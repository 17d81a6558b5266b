#pragma once

#include "llm/model/vocabulary.h"
#include "llm/sampling/logprobs.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace llm {

// The tokens that were chosen.
std::vector<Token> ids_of(std::span<const Logprobs> tokens);

// {"content":[{"token","logprob","bytes","top_logprobs":[…]}],"refusal":null}
// Source: OpenAI, `choices[].logprobs` of a chat completion.
std::string chat_logprobs(std::span<const Logprobs> tokens, const Vocabulary& vocabulary);

// {"tokens","token_logprobs","top_logprobs","text_offset"}; offsets count characters, from `offset`
// on, which is moved behind these tokens. Source: OpenAI, `choices[].logprobs` of a completion.
std::string completion_logprobs(std::span<const Logprobs> tokens, const Vocabulary& vocabulary,
                                std::size_t& offset);

}  // namespace llm

#pragma once

#include "llm/api/openai/generation_request.h"
#include "llm/api/tokens/text_or_tokens.h"
#include "worker/openai/openai_error.h"

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llm {

// The body of POST /v1/completions. Source: OpenAI, API reference, "Create completion".
struct CompletionRequest {
    GenerationRequest generation;
    std::vector<TextOrTokens> prompts;  // at least one
    bool echo = false;
    std::optional<std::string> suffix;
    std::optional<std::uint32_t> logprobs;
    std::uint32_t best_of = 1;  // at least `generation.n`
};

// Requires: limits that are known. Errors: the first parameter that is wrong, in the order of the
// table. Thread: any.
tl::expected<CompletionRequest, worker::OpenAiError> parse_completion_request(
    const boost::json::value& body, const RequestLimits& limits);

}  // namespace llm

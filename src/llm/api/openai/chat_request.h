#pragma once

#include "llm/api/openai/chat_tools.h"
#include "llm/api/openai/generation_request.h"
#include "worker/openai/openai_error.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>

namespace llm {

// The body of POST /v1/chat/completions. Source: OpenAI, API reference, "Create chat completion".
struct ChatRequest {
    GenerationRequest generation;
    // As templates want them: `content` is one string or null, absent members are left out.
    boost::json::array messages;
    boost::json::array tools;  // as sent
    ToolChoice tool_choice;
    bool parallel_tool_calls = true;
    bool logprobs = false;
    std::uint32_t top_logprobs = 0;
    boost::json::object template_arguments;  // never what the template gets from us
    bool continue_final_message = false;
};

// Requires: limits that are known. Errors: the first parameter that is wrong, in the order of the
// table. Thread: any.
tl::expected<ChatRequest, worker::OpenAiError> parse_chat_request(const boost::json::value& body,
                                                                  const RequestLimits& limits);

}  // namespace llm

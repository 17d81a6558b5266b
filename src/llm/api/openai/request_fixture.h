// What tests of OpenAI's requests share.
#pragma once

#include "llm/api/openai/chat_request.h"
#include "llm/api/openai/completion_request.h"
#include "worker/base/json.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace llm {

inline constexpr RequestLimits test_limits = {.vocabulary_size = 100,
                                              .context_tokens = 64,
                                              .parallel = 4,
                                              .stop_strings_max = 4,
                                              .prompts_max = 3,
                                              .fill_in_middle = true};

inline tl::expected<ChatRequest, worker::OpenAiError> parse_chat(std::string_view body) {
    return parse_chat_request(worker::parse_json(body).value(), test_limits);
}

inline tl::expected<CompletionRequest, worker::OpenAiError> parse_completion(
    std::string_view body) {
    return parse_completion_request(worker::parse_json(body).value(), test_limits);
}

// A body with the required fields and `more`.
inline std::string chat_with(std::string_view more) {
    return R"({"model":"m","messages":[{"role":"user","content":"Hi"}],)" + std::string(more) + "}";
}
inline std::string completion_with(std::string_view more) {
    return R"({"model":"m","prompt":"Hi",)" + std::string(more) + "}";
}

// `expected`: "param: message".
template <class Request>
void expect_refusal(const tl::expected<Request, worker::OpenAiError>& parsed, std::string_view body,
                    std::string_view expected) {
    ASSERT_FALSE(parsed.has_value()) << body;
    const worker::OpenAiError& error = parsed.error();
    EXPECT_EQ(error.param.value_or("-") + ": " + error.message, expected) << body;
    EXPECT_EQ(error.status, 400);
    EXPECT_EQ(error.type, "invalid_request_error");
}

inline void refuses_chat(const std::string& body, std::string_view expected) {
    expect_refusal(parse_chat(body), body, expected);
}
inline void refuses_completion(const std::string& body, std::string_view expected) {
    expect_refusal(parse_completion(body), body, expected);
}

}  // namespace llm

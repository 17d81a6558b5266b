#pragma once

#include "worker/base/error.h"
#include "worker/http/message.h"
#include "worker/scheduler/status_board.h"

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// What OpenAI's SDKs hear of trying again; without the word they decide by the status.
enum class RetryAdvice : std::uint8_t { useless, sensible };

// What a code becomes on OpenAI's routes. `code` is empty where OpenAI has none.
struct OpenAiTraits {
    int status;
    std::string_view type;
    std::string_view code;
    RetryAdvice retry;
};

// An error as OpenAI's clients read it. The defaults are those of a parameter that is wrong.
struct OpenAiError {
    int status = 400;
    std::string message;
    std::string type = "invalid_request_error";
    std::optional<std::string> param = std::nullopt;
    std::optional<std::string> code = std::nullopt;
    RetryAdvice retry = RetryAdvice::useless;
    std::optional<std::chrono::seconds> retry_after = std::nullopt;

    bool operator==(const OpenAiError&) const = default;
};

using Checked = tl::expected<void, OpenAiError>;

// `return refuse("n", "n must be …");`
tl::unexpected<OpenAiError> refuse(std::string param, std::string message);

// The only place where one of our codes meets OpenAI's words.
constexpr OpenAiTraits openai_traits(ErrorCode code) {
    using enum ErrorCode;
    constexpr std::string_view request_type = "invalid_request_error";
    constexpr std::string_view server_type = "server_error";
    switch (code) {
        case missing_api_key:
        case invalid_api_key: return {401, request_type, "invalid_api_key", RetryAdvice::useless};
        // Nothing but models is looked for by name on these routes.
        case not_found: return {404, request_type, "model_not_found", RetryAdvice::useless};
        case inference_timeout:
        case deadline_exceeded:
        case timeout: return {504, server_type, "timeout", RetryAdvice::useless};
        case worker_unhealthy: return {503, server_type, "server_overloaded", RetryAdvice::useless};
        case all_slots_busy:
        case not_ready:
        case insufficient_resources:
        case insufficient_vram:
        case vram_oom:
        // A drain ends it: a worker that is not draining can do it.
        case cancelled: return {503, server_type, "server_overloaded", RetryAdvice::sensible};
        case cuda_error: return {500, server_type, "", RetryAdvice::sensible};
        default: break;
    }
    const int status = traits(code).http_status;
    return {status, status < 500 ? request_type : server_type, "", RetryAdvice::useless};
}

OpenAiError openai_error(const Error& error);

// 404: the worker serves another model.
OpenAiError model_not_found(std::string_view model);

struct PromptSize {
    std::size_t prompt_tokens;
    std::uint32_t context_tokens;
};

// What follows a prompt, for which there has to be room, too.
inline constexpr std::string_view room_for_reply =
    "shorten it, so that at least one token is left for the reply";

// 400: `param` ("messages", "prompt") is longer than what the model reads at a time.
OpenAiError context_length_exceeded(std::string param, PromptSize size,
                                    std::string_view remedy = room_for_reply);

// 400: the worker serves a model whose work is another.
OpenAiError no_embeddings();

// {"error":{"message","type","param","code"}}
std::string openai_error_body(const OpenAiError& error);

Response to_response(const OpenAiError& error);

// A route's `error_shape`.
Response openai_error_response(const Error& error);

// A refusal at the door: while the worker drains, it ends the connection too.
Response openai_refusal(const Error& error, const StatusBoard& board);

// The error as a frame of a stream that has begun; the end marker follows.
std::string openai_error_frame(const OpenAiError& error);

}  // namespace worker

#include "worker/openai/openai_error.h"

#include "worker/base/utf8.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <utility>

namespace worker {
namespace {

boost::json::value text_or_null(const std::optional<std::string>& text) {
    return text ? boost::json::value(to_utf8(*text)) : boost::json::value(nullptr);
}

}  // namespace

tl::unexpected<OpenAiError> refuse(std::string param, std::string message) {
    return tl::make_unexpected(
        OpenAiError{.message = std::move(message), .param = std::move(param)});
}

OpenAiError openai_error(const Error& error) {
    const OpenAiTraits traits = openai_traits(error.code);
    OpenAiError told{.status = traits.status,
                     .message = error.message,
                     .type = std::string(traits.type),
                     .retry = traits.retry,
                     .retry_after = error.retry_after};
    if (!traits.code.empty()) told.code = traits.code;
    return told;
}

OpenAiError model_not_found(std::string_view model) {
    return {.status = 404,
            .message = fmt::format("the model '{}' is not served here: GET /v1/models names the "
                                   "one that is, 'default' means it too",
                                   first_characters(model, 128)),
            .param = "model",
            .code = "model_not_found"};
}

OpenAiError context_length_exceeded(std::string param, PromptSize size, std::string_view remedy) {
    std::string message = fmt::format("this model's context is {} tokens, and {} has {}: {}",
                                      size.context_tokens, param, size.prompt_tokens, remedy);
    return {.message = std::move(message),
            .param = std::move(param),
            .code = "context_length_exceeded"};
}

OpenAiError no_embeddings() {
    return {.message =
                "this model makes no embeddings: serve one that has pooling, with "
                "embedding-worker-rbee",
            .param = "model"};
}

// Source: OpenAI, API reference, "Errors": all four keys are there, null where there is nothing.
std::string openai_error_body(const OpenAiError& error) {
    const boost::json::object detail = {{"message", to_utf8(error.message)},
                                        {"type", error.type},
                                        {"param", text_or_null(error.param)},
                                        {"code", text_or_null(error.code)}};
    return boost::json::serialize(boost::json::object{{"error", detail}});
}

Response to_response(const OpenAiError& error) {
    Response response{.status = error.status, .body = openai_error_body(error)};
    if (error.retry_after)
        response.fields.emplace_back("retry-after", std::to_string(error.retry_after->count()));
    // SDKs repeat 408, 409, 429 and 5xx by themselves unless they are told.
    response.fields.emplace_back("x-should-retry",
                                 error.retry == RetryAdvice::sensible ? "true" : "false");
    return response;
}

Response openai_error_response(const Error& error) {
    return to_response(openai_error(error));
}

Response openai_refusal(const Error& error, const StatusBoard& board) {
    Response response = openai_error_response(error);
    response.close = board.read().life == LifeState::draining;
    return response;
}

std::string openai_error_frame(const OpenAiError& error) {
    return "data: " + openai_error_body(error) + "\n\n";
}

}  // namespace worker

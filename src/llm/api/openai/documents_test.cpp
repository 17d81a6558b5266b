// docs/openai.md says what the tables say.
#include "llm/api/openai/chat_messages.h"
#include "llm/api/openai/chat_tools.h"
#include "llm/api/openai/parameters.h"
#include "worker/openai/document_fixture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace llm {

using worker::openai_traits;
using worker::OpenAiTraits;
using worker::Parameter;
using worker::RetryAdvice;
using worker::table_of;
using worker::varying;

namespace {

constexpr RequestLimits documented_limits = {.vocabulary_size = varying + 1,
                                             .context_tokens = varying,
                                             .parallel = varying,
                                             .fill_in_middle = true};

enum class Kept : std::uint8_t { shared, own };

// What two routes have in common, or what the first has alone.
std::vector<Parameter> sorted_out(std::vector<Parameter> parameters,
                                  const std::vector<Parameter>& others, Kept kept) {
    std::erase_if(parameters, [&](const Parameter& parameter) {
        const bool shared = std::ranges::any_of(others, [&](const Parameter& other) {
            return other.name == parameter.name && accepted_by(other) == accepted_by(parameter);
        });
        return shared != (kept == Kept::shared);
    });
    return parameters;
}

std::string error_table() {
    using enum worker::ErrorCode;
    // One of each kind; the same words in another row add nothing.
    const std::pair<worker::ErrorCode, std::string_view> kinds[] = {
        {invalid_request, "a parameter is wrong (`param` names it), or the body is not JSON"},
        {invalid_api_key, "the token is missing or wrong"},
        {not_found, "`model` is not the one that is served"},
        {request_timeout, "the request did not arrive in time"},
        {body_too_large, "the body is larger than `--max-body`"},
        {unsupported_media_type, "the body is not `application/json`"},
        {internal, "a fault of the worker; its log says why"},
        {inference_failed, "the model failed on this request"},
        {cuda_error, "the device failed"},
        {all_slots_busy,
         "the queue is full, the model is loading, or the worker ends; with "
         "`Retry-After` where the time is known"},
        {worker_unhealthy, "the engine has died"},
        {timeout, "the deadline or `--request-timeout` has passed"},
    };
    std::string table =
        "### Errors\n\n| status | `type` | `code` | `x-should-retry` | |\n"
        "|---|---|---|---|---|\n";
    for (const auto& [code, meaning] : kinds) {
        const OpenAiTraits traits = openai_traits(code);
        const std::string shown = traits.code.empty() ? "" : fmt::format("`{}`", traits.code);
        table += fmt::format("| {} | `{}` | {} | {} | {} |\n", traits.status, traits.type, shown,
                             traits.retry == RetryAdvice::sensible, meaning);
    }
    return table;
}

std::string generated_part() {
    const auto chat = parameters_of(chat_rows(documented_limits));
    const auto completion = parameters_of(completion_rows(documented_limits));
    const std::string call = "messages[].tool_calls[].";
    const std::string schema = "response_format.json_schema.";
    return table_of("Chats and completions", "", sorted_out(chat, completion, Kept::shared)) +
           table_of("`stream_options`", "stream_options.", parameters_of(stream_option_rows())) +
           table_of("`response_format`", "response_format.",
                    parameters_of(response_format_rows())) +
           table_of("`json_schema` in it", schema, parameters_of(schema_format_rows())) +
           table_of("`POST /v1/completions` alone", "", sorted_out(completion, chat, Kept::own)) +
           table_of("`POST /v1/chat/completions` alone", "",
                    sorted_out(chat, completion, Kept::own)) +
           table_of("A message", "messages[].", parameters_of(message_rows())) +
           table_of("A part of its content", "messages[].content[].",
                    parameters_of(content_part_rows())) +
           table_of("A call in it", call, parameters_of(tool_call_rows())) +
           table_of("The function called", call + "function.",
                    parameters_of(called_function_rows())) +
           table_of("A tool", "tools[].", parameters_of(tool_rows())) +
           table_of("Its function", "tools[].function.", parameters_of(function_rows())) +
           error_table();
}

TEST(DocumentsTest, the_document_has_the_tables) {
    worker::check_document(RBEE_OPENAI_DOCUMENT, "text", generated_part());
}

}  // namespace
}  // namespace llm

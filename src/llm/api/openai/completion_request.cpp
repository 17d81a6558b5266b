#include "llm/api/openai/completion_request.h"

#include "llm/api/openai/parameters.h"
#include "llm/api/tokens/text_or_tokens.h"

#include <fmt/format.h>

#include <utility>

namespace llm {

using worker::BodyPlace;
using worker::Checked;
using worker::IgnoredParameters;
using worker::OpenAiError;
using worker::refuse;

namespace {

namespace json = boost::json;

// Source: OpenAI, API reference, "Create completion", max_tokens.
constexpr std::uint32_t max_tokens_default = 16;

Checked check_best_of(const CompletionDraft& draft) {
    const std::uint32_t best_of = draft.best_of.value_or(draft.n);
    if (best_of < draft.n) {
        return refuse("best_of",
                      fmt::format("best_of must be at least n, {} (got {})", draft.n, best_of));
    }
    if (best_of == draft.n || !draft.stream) return {};
    return refuse("best_of",
                  "best_of cannot be more than n with \"stream\": true: which replies "
                  "are the best is known when all are complete");
}

}  // namespace

tl::expected<CompletionRequest, OpenAiError> parse_completion_request(const json::value& body,
                                                                      const RequestLimits& limits) {
    const json::object* object = body.if_object();
    if (!object) return tl::make_unexpected(OpenAiError{.message = "the body must be an object"});
    IgnoredParameters ignored;
    CompletionDraft draft;
    take_defaults(draft, limits.defaults);
    Checked read = read_object(*object, completion_rows(limits), BodyPlace{ignored}, draft);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    auto prompts = read_texts_or_tokens(
        *draft.prompt, "prompt",
        {.count_max = limits.prompts_max, .vocabulary_size = limits.vocabulary_size});
    if (!prompts) return tl::make_unexpected(std::move(prompts.error()));

    if (!draft.max_tokens) draft.max_tokens = max_tokens_default;
    read = complete_generation(draft, ignored);
    if (read) read = check_best_of(draft);
    if (!read) return tl::make_unexpected(std::move(read.error()));

    CompletionRequest request;
    request.prompts = std::move(*prompts);
    request.echo = draft.echo;
    request.suffix = std::move(draft.suffix);
    request.logprobs = draft.logprobs;
    request.best_of = draft.best_of.value_or(draft.n);
    request.generation = std::move(draft);
    request.generation.ignored = std::move(ignored).take();
    return request;
}

}  // namespace llm

#include "llm/api/openai/completion_request.h"

#include "llm/api/openai/parameters.h"
#include "worker/validation/accepted.h"

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

using Prompts = std::vector<CompletionPrompt>;

// Source: OpenAI, API reference, "Create completion", max_tokens.
constexpr std::uint32_t max_tokens_default = 16;

tl::expected<CompletionPrompt, OpenAiError> read_tokens(const json::value& tokens,
                                                        const std::string& where,
                                                        const RequestLimits& limits) {
    if (tokens.is_array() && tokens.get_array().empty())
        return refuse(where, where + " must not be empty");
    const worker::Form form =
        worker::IntegerList{.noun = "tokens",
                            .item_noun = "token",
                            .item = {.min = 0,
                                     .max = limits.vocabulary_size - 1,
                                     .whole_fractions = worker::WholeFractions::accepted}};
    worker::Violations violations;
    if (!worker::check(tokens, form, where, violations))
        return tl::make_unexpected(objection(violations, worker::accepted_text(form)));
    std::vector<Token> read;
    worker::store(tokens, read);
    return read;
}

// A list of texts, or of lists of tokens.
tl::expected<CompletionPrompt, OpenAiError> read_prompt(const json::value& prompt,
                                                        const std::string& where,
                                                        const RequestLimits& limits) {
    if (prompt.is_string()) return std::string(prompt.get_string());
    if (prompt.is_array()) return read_tokens(prompt, where, limits);
    return refuse(where, where + " must be a text or a list of tokens, as the first prompt is one");
}

tl::expected<Prompts, OpenAiError> read_prompts(const json::value& prompt,
                                                const RequestLimits& limits) {
    const json::array* list = prompt.if_array();
    if (!list && !prompt.is_string()) {
        return refuse("prompt",
                      "prompt must be a text, a list of texts, a list of tokens, or a list of such "
                      "lists");
    }
    if (list && list->empty()) return refuse("prompt", "prompt must not be empty");
    if (!list || list->front().is_number()) {
        auto one = read_prompt(prompt, "prompt", limits);
        if (!one) return tl::make_unexpected(std::move(one.error()));
        return Prompts{std::move(*one)};
    }
    if (list->size() > limits.prompts_max) {
        return refuse("prompt", fmt::format("prompt must have at most {} prompts (got {})",
                                            limits.prompts_max, list->size()));
    }
    Prompts prompts;
    for (std::size_t i = 0; i < list->size(); ++i) {
        auto one = read_prompt((*list)[i], fmt::format("prompt[{}]", i), limits);
        if (!one) return tl::make_unexpected(std::move(one.error()));
        prompts.push_back(std::move(*one));
    }
    return prompts;
}

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
    auto prompts = read_prompts(*draft.prompt, limits);
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

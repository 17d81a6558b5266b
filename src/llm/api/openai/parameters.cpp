#include "llm/api/openai/parameters.h"

#include "llm/api/tokens/text_or_tokens.h"
#include "worker/base/assert.h"
#include "worker/openai/model_names.h"

#include <fmt/format.h>

#include <utility>

namespace llm {

using worker::BodyPlace;
using worker::Checked;
using worker::IgnoredParameters;
using worker::refuse;
using worker::refused;
using worker::reported;
using worker::required;
using worker::Row;
using worker::Rows;
using worker::supported;

namespace {

// Texts that are compared with every piece of a reply.
constexpr worker::Text short_text = {.non_empty = true, .bytes_max = 256};

constexpr std::string_view by_context = "the model's context";
constexpr std::string_view by_vocabulary = "the model's vocabulary";
constexpr std::string_view by_parallel = "--parallel, the worker's slots";

constexpr std::string_view kept_apart_otherwise =
    "callers are told apart by their tokens, and cached prompts by cache_salt";

std::uint64_t last_token(const RequestLimits& limits) {
    return limits.vocabulary_size - 1;
}

// Source: OpenAI, API reference, the request bodies of both routes.
Rows<GenerationDraft> sampling_rows(const RequestLimits& limits) {
    using D = GenerationDraft;
    return {
        supported<D>("max_tokens", &D::max_tokens, {.min = 1, .max = limits.context_tokens},
                     {.note = "absent: 16 for completions, to the end of the context for chats",
                      .limit = by_context}),
        supported<D>("temperature", &D::temperature, {.min = 0, .max = 2},
                     {.note = "0 takes the most likely token"}),
        supported<D>("top_p", &D::top_p, {.min = 0, .max = 1}),
        supported<D>("presence_penalty", &D::presence_penalty, {.min = -2, .max = 2}),
        supported<D>("frequency_penalty", &D::frequency_penalty, {.min = -2, .max = 2}),
        supported<D>("seed", &D::seed, {}, {.note = "the same seed, the same text"}),
        supported<D>("logit_bias", &D::biases,
                     {.count_max = 1024,
                      .key_noun = "token",
                      .key = {.min = 0, .max = last_token(limits)},
                      .value = {.min = -100, .max = 100}},
                     {.limit = by_vocabulary}),
        supported<D>("stop", &D::stop,
                     {.count_max = limits.stop_strings_max,
                      .noun = "sequences",
                      .item_noun = "stop sequence",
                      .item = short_text,
                      .lone_text = worker::LoneText::accepted},
                     {.note = "up to 16 with `--stop-max`", .limit = "--stop-max"}),
        supported<D>("n", &D::n, {.min = 1, .max = limits.parallel},
                     {.note = "the prompt is computed, and counted, once", .limit = by_parallel}),
        supported<D>("stream", &D::stream),
        supported<D>("stream_options", &D::stream_options, {}, {.note = "with `stream` only"}),
        supported<D>("response_format", &D::response_format),
    };
}

// What OpenAI's reference does not have.
Rows<GenerationDraft> extension_rows(const RequestLimits& limits) {
    using D = GenerationDraft;
    const worker::Integer token = {.min = 0, .max = last_token(limits)};
    return {
        supported<D>("top_k", &D::top_k, {}, {.note = "extension; 0 = off"}),
        supported<D>("min_p", &D::min_p, {.min = 0, .max = 1}, {.note = "extension; 0 = off"}),
        supported<D>("repetition_penalty", &D::repetition_penalty, {.min = 0, .max = 2},
                     {.note = "extension; 1 = off, and so is 0"}),
        supported<D>("repeat_last_n", &D::repeat_last_n, {},
                     {.note = "extension; tokens that repetition_penalty looks back on, 0 = all"}),
        supported<D>("min_tokens", &D::min_tokens, {.max = limits.context_tokens},
                     {.note = "extension; at most max_tokens", .limit = by_context}),
        supported<D>("ignore_eos", &D::ignore_eos, {}, {.note = "extension"}),
        supported<D>("stop_token_ids", &D::stop_token_ids,
                     {.count_max = 128, .noun = "tokens", .item_noun = "token", .item = token},
                     {.note = "extension", .limit = by_vocabulary}),
        supported<D>("bad_words", &D::bad_words,
                     {.count_max = 128, .noun = "words", .item_noun = "word", .item = short_text},
                     {.note = "extension; texts that the reply does not have"}),
        supported<D>("grammar", &D::lark, {.non_empty = true},
                     {.note = "extension; a Lark grammar. GBNF is refused"}),
        supported<D>("regex", &D::regex, {.non_empty = true},
                     {.note = "extension; the whole reply matches it"}),
        supported<D>("json_schema", &D::json_schema, {},
                     {.note = "extension; the schema itself, as not strict"}),
        supported<D>("choice", &D::choice, {.item = {.non_empty = true}, .non_empty = true},
                     {.note = "extension; the reply is one of them"}),
        supported<D>("priority", &D::priority, {.min = -10, .max = 10},
                     {.note = "extension; the higher goes first"}),
        supported<D>("cache_salt", &D::cache_salt, short_text,
                     {.note = "extension; cached prompts are shared by equal salts only"}),
        supported<D>("return_tokens", &D::return_tokens, {},
                     {.note = "extension; the reply's tokens beside its text"}),
    };
}

Rows<ChatDraft> conversation_rows() {
    using D = ChatDraft;
    return {
        required<D>("messages", &D::messages, {.non_empty = true}),
        supported<D>("tools", &D::tools),
        supported<D>("tool_choice", &D::tool_choice, {},
                     {.note = "absent: `auto` where there are tools",
                      .accepted = "`none`, `auto`, `required`, "
                                  "`{\"type\":\"function\",\"function\":{\"name\":…}}`"}),
        supported<D>("parallel_tool_calls", &D::parallel_tool_calls),
        supported<D>("logprobs", &D::logprobs, {},
                     {.note = "natural logarithms, before temperature"}),
        supported<D>("top_logprobs", &D::top_logprobs, {.max = 20}, {.note = "with logprobs"}),
        supported<D>("reasoning_effort", &D::reasoning_effort,
                     {.words = {"none", "minimal", "low", "medium", "high", "xhigh"}},
                     {.note = "given to the chat template"}),
        supported<D>("modalities", &D::modalities, {.item = {.words = {"text"}}, .non_empty = true},
                     {.note = "text is all that comes out"}),
    };
}

Rows<ChatDraft> chat_rows_without_effect() {
    using D = ChatDraft;
    return {
        refused<D>("functions", "use tools"),
        refused<D>("function_call", "use tool_choice"),
        refused<D>("audio", "the model writes text only; leave it out"),
        refused<D>("prediction", "leave it out; the reply is the same, and comes without it"),
        refused<D>("web_search_options",
                   "nothing is fetched here; search yourself and put what you find into messages"),
        reported<D>("safety_identifier", kept_apart_otherwise),
        reported<D>("prompt_cache_key", kept_apart_otherwise),
        reported<D>("prompt_cache_retention", "prompts are cached for as long as there is room"),
        reported<D>("metadata", "completions are not stored"),
        reported<D>("store", "completions are not stored"),
        reported<D>("service_tier", "there is one tier"),
        reported<D>("verbosity", "the model does not know it; say it in a message"),
    };
}

template <class Draft>
Rows<Draft> with_shared(Rows<Draft> rows, const RequestLimits& limits) {
    WORKER_ASSERT(limits.vocabulary_size > 0 && limits.context_tokens > 0 && limits.parallel > 0);
    append(rows, sampling_rows(limits));
    append(rows, extension_rows(limits));
    rows.push_back(reported<Draft>("user", kept_apart_otherwise));
    return rows;
}

}  // namespace

Rows<ChatDraft> chat_rows(const RequestLimits& limits) {
    using D = ChatDraft;
    Rows<D> rows = {worker::model_row<D>()};
    append(rows, conversation_rows());
    rows.push_back(supported<D>("max_completion_tokens", &D::max_completion_tokens,
                                {.min = 1, .max = limits.context_tokens},
                                {.note = "the newer name of max_tokens", .limit = by_context}));
    rows = with_shared(std::move(rows), limits);
    rows.push_back(supported<D>("chat_template_kwargs", &D::chat_template_kwargs, {},
                                {.note = "extension; further arguments for the chat template"}));
    rows.push_back(supported<D>("continue_final_message", &D::continue_final_message, {},
                                {.note = "extension; the last message, of the assistant, goes on "
                                         "instead of being answered"}));
    append(rows, chat_rows_without_effect());
    return rows;
}

Rows<CompletionDraft> completion_rows(const RequestLimits& limits) {
    using D = CompletionDraft;
    Rows<D> rows = {
        worker::model_row<D>(),
        required<D>("prompt", &D::prompt, {},
                    {.note = "each prompt is a job", .accepted = texts_or_tokens_accepted}),
        supported<D>("echo", &D::echo, {}, {.note = "the prompt before the reply"}),
        limits.fill_in_middle
            ? supported<D>("suffix", &D::suffix, {},
                           {.note = "fill-in-middle; refused where the model has no tokens for it"})
            : refused<D>("suffix",
                         "this model has no tokens for fill-in-middle; put all text into "
                         "prompt"),
        supported<D>("logprobs", &D::logprobs, {.max = 5},
                     {.note = "natural logarithms, before temperature"}),
        supported<D>(
            "best_of", &D::best_of, {.min = 1, .max = limits.parallel},
            {.note = "at least n; not with `stream` where it is more", .limit = by_parallel}),
    };
    return with_shared(std::move(rows), limits);
}

Rows<StreamOptionsDraft> stream_option_rows() {
    using D = StreamOptionsDraft;
    return {
        supported<D>("include_usage", &D::include_usage, {},
                     {.note = "a last frame with empty `choices` and `usage`"}),
        reported<D>("include_obfuscation", "frames are not padded"),
    };
}

void take_defaults(GenerationRequest& request, const SamplingDefaults& defaults) {
    request.temperature = defaults.temperature.value_or(request.temperature);
    request.top_p = defaults.top_p.value_or(request.top_p);
    request.min_p = defaults.min_p.value_or(request.min_p);
    request.repetition_penalty = defaults.repetition_penalty.value_or(request.repetition_penalty);
    request.top_k = defaults.top_k.value_or(request.top_k);
}

Checked complete_generation(GenerationDraft& draft, IgnoredParameters& ignored) {
    for (const auto& [token, bias] : draft.biases)
        draft.logit_bias.push_back({static_cast<Token>(token), static_cast<float>(bias)});
    if (draft.max_tokens && draft.min_tokens > *draft.max_tokens) {
        return refuse("min_tokens",
                      fmt::format("min_tokens must be at most max_tokens, {} (got {})",
                                  *draft.max_tokens, draft.min_tokens));
    }
    if (draft.stream_options) {
        if (!draft.stream)
            return refuse("stream_options", "stream_options is for \"stream\": true only");
        StreamOptionsDraft options;
        const Checked read = read_object(*draft.stream_options, stream_option_rows(),
                                         BodyPlace{ignored}.inside("stream_options"), options);
        if (!read) return read;
        draft.include_usage = options.include_usage;
    }
    auto grammar = read_grammar(draft, ignored);
    if (!grammar) return tl::make_unexpected(std::move(grammar.error()));
    draft.grammar = std::move(*grammar);
    return {};
}

}  // namespace llm

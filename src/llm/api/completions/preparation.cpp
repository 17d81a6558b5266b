#include "llm/api/completions/preparation.h"

#include "llm/api/completions/chat_format.h"
#include "llm/api/completions/chat_reply.h"
#include "llm/api/completions/completion_reply.h"
#include "llm/api/completions/generation_job.h"
#include "llm/api/openai/chat_request.h"
#include "llm/api/openai/completion_request.h"
#include "llm/model/length_bound.h"
#include "worker/base/ids.h"
#include "worker/contract/json_object.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace llm {

using worker::check_model;
using worker::Checked;
using worker::context_length_exceeded;
using worker::JsonObject;
using worker::OpenAiError;
using worker::PlainAnswer;
using worker::refuse;

namespace json = boost::json;

namespace {

tl::unexpected<OpenAiError> wrong(const worker::Error& error, std::string param) {
    OpenAiError refusal = openai_error(error);
    refusal.param = std::move(param);
    return tl::make_unexpected(std::move(refusal));
}

RequestLimits limits_of(const PreparationContext& context) {
    const TextModelView& model = context.model;
    RequestLimits limits{.vocabulary_size = model.vocabulary->size(),
                         .context_tokens = model.context_max,
                         .parallel = context.settings->parallel,
                         .stop_strings_max = context.settings->stop_strings_max,
                         .fill_in_middle = model.vocabulary->fill_in_middle().has_value()};
    if (context.settings->use_model_defaults) limits.defaults = model.card.recommended;
    return limits;
}

Checked check_length(std::size_t tokens, const PreparationContext& context, const char* param) {
    if (tokens == 0) return refuse(param, std::string(param) + " has no tokens");
    if (tokens < context.model.context_max) return {};
    return tl::make_unexpected(context_length_exceeded(param, {tokens, context.model.context_max}));
}

ReplyHead head_of(const GenerationRequest& request, std::string id,
                  const PreparationContext& context) {
    ReplyHead head{
        .id = std::move(id),
        .created = std::chrono::duration_cast<std::chrono::seconds>(context.now.time_since_epoch())
                       .count(),
        .model = context.model_ref,
        .system_fingerprint = context.model.fingerprint};
    if (!request.ignored.empty()) head.x_ignored = json::serialize(ignored_json(request.ignored));
    return head;
}

std::string new_id(const char* prefix) {
    std::string id = worker::uuid_v4();
    std::erase(id, '-');
    return prefix + id;
}

StreamUsage stream_usage(const GenerationRequest& request) {
    return request.include_usage ? StreamUsage::shown : StreamUsage::hidden;
}

struct Chat {
    ChatRequest request;
    ChatPrompt prompt;
};

tl::expected<Chat, OpenAiError> read_chat(const json::value& body,
                                          const PreparationContext& context) {
    auto request = parse_chat_request(body, limits_of(context));
    if (!request) return tl::make_unexpected(std::move(request.error()));
    if (auto known = check_model(request->generation.model, context.settings->model); !known)
        return tl::make_unexpected(std::move(known.error()));
    if (!context.model.chat)
        return refuse("messages",
                      "this model has no chat template: start the worker with --chat-template, or "
                      "use /v1/completions");
    auto prompt = context.model.chat->prompt(*request, context.now, context.model.context_max);
    if (!prompt) return wrong(prompt.error(), "messages");
    if (auto fits = check_length(prompt->length, context, "messages"); !fits)
        return tl::make_unexpected(std::move(fits.error()));
    return Chat{std::move(*request), std::move(*prompt)};
}

TokenDetail chat_detail(const ChatRequest& request) {
    if (request.logprobs) return TokenDetail::logprobs;
    return request.generation.return_tokens ? TokenDetail::ids : TokenDetail::none;
}

}  // namespace

Preparation prepare_chat(const json::value& body, const PreparationContext& context) {
    auto chat = read_chat(body, context);
    if (!chat) return tl::make_unexpected(std::move(chat.error()));
    ChatRequest& request = chat->request;
    ChatPrompt& prompt = chat->prompt;
    const ChatFormat& format = *context.model.chat;

    Prepared prepared{.id = new_id("chatcmpl-")};
    auto grammar = chat_grammar(request, prompt, format);
    if (!grammar) return tl::make_unexpected(std::move(grammar.error()));
    prepared.grammar = std::move(*grammar);
    for (std::uint32_t choice = 0; choice < request.generation.n; ++choice) {
        auto job = generation_job(request.generation, choice, *context.model.vocabulary);
        if (!job) return wrong(job.error(), "bad_words");
        job->prompt = prompt.tokens;
        job->detail = chat_detail(request);
        job->logprobs_top = request.top_logprobs;
        job->shown_controls = format.markers(prompt.tool_format);
        prepared.jobs.push_back(std::move(*job));
    }
    const GenerationRequest& generation = request.generation;
    prepared.reply = std::make_unique<ChatReply>(
        ChatReply::Settings{.head = head_of(generation, prepared.id, context),
                            .choices = generation.n,
                            .tool_format = prompt.tool_format,
                            .tools = tools_of(request),
                            .reasoning = format.reasoning(),
                            .start = prompt.start,
                            .detail = chat_detail(request),
                            .token_ids = generation.return_tokens,
                            .stream_usage = stream_usage(generation),
                            .vocabulary = context.model.vocabulary});
    prepared.prompt_text = std::move(prompt.text);
    prepared.generation = std::move(request.generation);
    return prepared;
}

namespace {

// A prompt of its text or tokens; with a suffix, what the model was trained to fill in.
tl::expected<std::vector<Token>, OpenAiError> completion_tokens(
    const TextOrTokens& prompt, const std::optional<std::string>& suffix,
    const PreparationContext& context) {
    if (const auto* tokens = std::get_if<std::vector<Token>>(&prompt)) return *tokens;
    const Vocabulary& vocabulary = *context.model.vocabulary;
    const std::string& text = std::get<std::string>(prompt);
    for (const std::string& part : {text, suffix.value_or("")}) {
        const auto longer = surely_longer_than(context.model.context_max, part, vocabulary);
        if (!longer) return wrong(longer.error(), "prompt");
        if (auto fits = check_length(longer->value_or(1), context, "prompt"); !fits)
            return tl::make_unexpected(std::move(fits.error()));
    }
    auto tokens = vocabulary.tokenize(text, SpecialTokens::parsed, LeadingToken::as_model_wants);
    if (!tokens) return wrong(tokens.error(), "prompt");
    if (!suffix) return std::move(*tokens);
    const FillInMiddle marks = *vocabulary.fill_in_middle();
    const auto before = vocabulary.tokenize(text, SpecialTokens::as_text, LeadingToken::none);
    const auto after = vocabulary.tokenize(*suffix, SpecialTokens::as_text, LeadingToken::none);
    if (!before) return wrong(before.error(), "prompt");
    if (!after) return wrong(after.error(), "suffix");
    std::vector<Token> joined{marks.prefix};
    joined.insert(joined.end(), before->begin(), before->end());
    joined.push_back(marks.suffix);
    joined.insert(joined.end(), after->begin(), after->end());
    joined.push_back(marks.middle);
    return joined;
}

TokenDetail completion_detail(const CompletionRequest& request) {
    if (request.logprobs || request.best_of > request.generation.n) return TokenDetail::logprobs;
    return request.generation.return_tokens ? TokenDetail::ids : TokenDetail::none;
}

// The jobs of one prompt.
Checked add_jobs(const CompletionRequest& request, const TextOrTokens& prompt,
                 const PreparationContext& context, std::vector<GenerateJob>& jobs) {
    auto tokens = completion_tokens(prompt, request.suffix, context);
    if (!tokens) return tl::make_unexpected(std::move(tokens.error()));
    if (auto fits = check_length(tokens->size(), context, "prompt"); !fits) return fits;
    for (std::uint32_t choice = 0; choice < request.best_of; ++choice) {
        auto job = generation_job(request.generation, choice, *context.model.vocabulary);
        if (!job) return wrong(job.error(), "bad_words");
        job->prompt = *tokens;
        job->detail = completion_detail(request);
        job->logprobs_top = request.logprobs.value_or(0);
        job->prompt_logprobs = request.echo && request.logprobs.has_value();
        jobs.push_back(std::move(*job));
    }
    return {};
}

}  // namespace

Preparation prepare_completion(const json::value& body, const PreparationContext& context) {
    auto request = parse_completion_request(body, limits_of(context));
    if (!request) return tl::make_unexpected(std::move(request.error()));
    GenerationRequest& generation = request->generation;
    if (auto known = check_model(generation.model, context.settings->model); !known)
        return tl::make_unexpected(std::move(known.error()));

    const std::size_t jobs = request->prompts.size() * request->best_of;
    if (jobs > context.settings->jobs_max)
        return refuse("prompt", fmt::format("prompt has {} prompts of {} replies each, and this "
                                            "worker holds {} at most: send fewer at a time",
                                            request->prompts.size(), request->best_of,
                                            context.settings->jobs_max));

    Prepared prepared{.id = new_id("cmpl-")};
    if (generation.grammar) {
        auto grammar = requested_grammar(*generation.grammar, generation.ignored);
        if (!grammar) return tl::make_unexpected(std::move(grammar.error()));
        prepared.grammar = std::move(*grammar);
    }
    std::vector<std::string> echoes;
    for (const TextOrTokens& prompt : request->prompts) {
        if (auto added = add_jobs(*request, prompt, context, prepared.jobs); !added)
            return tl::make_unexpected(std::move(added.error()));
        std::string text = text_of(prompt, *context.model.vocabulary);
        prepared.prompt_text += text;
        echoes.push_back(request->echo ? std::move(text) : "");
    }
    prepared.reply = std::make_unique<CompletionReply>(
        CompletionReply::Settings{.head = head_of(generation, prepared.id, context),
                                  .echoes = std::move(echoes),
                                  .n = generation.n,
                                  .best_of = request->best_of,
                                  .detail = completion_detail(*request),
                                  .logprobs = request->logprobs.has_value(),
                                  .token_ids = generation.return_tokens,
                                  .stream_usage = stream_usage(generation),
                                  .vocabulary = context.model.vocabulary});
    prepared.generation = std::move(generation);
    return prepared;
}

tl::expected<PlainAnswer, OpenAiError> render_chat(const json::value& body,
                                                   const PreparationContext& context) {
    auto chat = read_chat(body, context);
    if (!chat) return tl::make_unexpected(std::move(chat.error()));
    return PlainAnswer{.json = JsonObject()
                                   .add("prompt", chat->prompt.text)
                                   .add("tokens", chat->prompt.tokens)
                                   .add("prompt_tokens", chat->prompt.tokens.size()),
                       .ignored = std::move(chat->request.generation.ignored)};
}

}  // namespace llm

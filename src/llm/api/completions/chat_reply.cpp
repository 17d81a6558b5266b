#include "llm/api/completions/chat_reply.h"

#include "llm/api/completions/logprobs_json.h"
#include "worker/base/ids.h"
#include "worker/base/json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

namespace llm {

using worker::JsonObject;

namespace {

std::string call_id() {
    std::string id = worker::uuid_v4();
    std::erase(id, '-');
    return "call_" + id.substr(0, 24);
}

// "{…" of every chunk, up to its choices.
std::string chunk_head(const ReplyHead& head) {
    std::string json = head.json("chat.completion.chunk").text();
    json.pop_back();
    return json;
}

std::string text_delta(std::string_view member, std::string_view text) {
    std::string delta = "{\"";
    delta.append(member).append("\":");
    worker::append_json_string(delta, text);
    return delta += '}';
}

std::string call_delta(const JsonObject& call) {
    return JsonObject().add("tool_calls", std::vector<JsonObject>{call}).text();
}

}  // namespace

ChatReply::ChatReply(Settings settings)
    : settings_(std::move(settings)),
      chunk_head_(chunk_head(settings_.head)),
      x_ignored_(settings_.head.x_ignored) {
    for (std::uint32_t i = 0; i < settings_.choices; ++i)
        choices_.push_back({.parser = ReplyParser({.tool_format = settings_.tool_format,
                                                   .tools = settings_.tools,
                                                   .reasoning = settings_.reasoning,
                                                   .start = settings_.start})});
}

std::string ChatReply::stream_begin() {
    streams_ = true;
    std::string frames;
    for (std::size_t i = 0; i < choices_.size(); ++i)
        frames += chunk(i, R"({"role":"assistant","content":""})", details_json({}), "null");
    return frames;
}

std::string ChatReply::take(std::size_t index, worker::Event<TextOutput> event) {
    if (auto* output = std::get_if<TextOutput>(&event)) {
        ReplyParser& parser = choices_[index].parser;
        if (parser.is_reasoning()) usage_.reasoning_tokens += output->tokens;
        std::vector<ReplyDelta> deltas;
        parser.push(output->text, deltas);
        return say(index, std::move(deltas), std::move(output->details));
    }
    if (const auto* ended = std::get_if<worker::Ended>(&event)) return end(index, *ended);
    return "";
}

std::string ChatReply::say(std::size_t index, std::vector<ReplyDelta> deltas,
                           std::vector<Logprobs> details) {
    Choice& choice = choices_[index];
    // Tokens whose text is held back are told of all the same.
    if (deltas.empty() && !details.empty()) deltas.emplace_back(ContentDelta{""});
    std::string told = details_json(details);
    if (!streams_)
        choice.details.insert(choice.details.end(), std::make_move_iterator(details.begin()),
                              std::make_move_iterator(details.end()));
    std::string frames;
    for (ReplyDelta& delta : deltas) {
        const std::string json = keep(choice, std::move(delta));
        frames += chunk(index, json, std::exchange(told, details_json({})), "null");
    }
    return frames;
}

std::string ChatReply::keep(Choice& choice, ReplyDelta delta) {
    if (const auto* content = std::get_if<ContentDelta>(&delta)) {
        if (!streams_) choice.content += content->text;
        return text_delta("content", content->text);
    }
    if (const auto* reasoning = std::get_if<ReasoningDelta>(&delta)) {
        if (!streams_) choice.reasoning += reasoning->text;
        return text_delta("reasoning_content", reasoning->text);
    }
    if (auto* begin = std::get_if<ToolCallBegin>(&delta)) {
        const Call& call = choice.calls.emplace_back(Call{call_id(), std::move(begin->name)});
        return call_delta(
            JsonObject()
                .add("index", begin->index)
                .add("id", call.id)
                .add("type", "function")
                .add("function", JsonObject().add("name", call.name).add("arguments", "")));
    }
    const auto& arguments = std::get<ToolCallArguments>(delta);
    if (!streams_) choice.calls[arguments.index].arguments += arguments.text;
    return call_delta(JsonObject()
                          .add("index", arguments.index)
                          .add("function", JsonObject().add("arguments", arguments.text)));
}

std::string ChatReply::end(std::size_t index, const worker::Ended& ended) {
    Choice& choice = choices_[index];
    std::vector<ReplyDelta> deltas;
    choice.parser.finish(deltas);
    std::string frames = say(index, std::move(deltas), {});
    // The others go on from what was computed for the first.
    if (index == 0) usage_.cached_tokens = ended.tokens_cached;
    usage_.prompt_tokens = ended.tokens_in;
    usage_.completion_tokens += ended.tokens_out;
    const bool cut = ended.stop_reason == worker::StopReason::max_tokens;
    choice.finish_reason = cut ? "length" : choice.parser.has_calls() ? "tool_calls" : "stop";
    return frames +
           chunk(index, "{}", details_json({}), "\"" + std::string(choice.finish_reason) + "\"");
}

// The hot path of streaming: everything that does not change is written once.
std::string ChatReply::chunk(std::size_t choice, std::string_view delta, std::string_view details,
                             std::string_view finish_reason) {
    if (!streams_) return "";
    std::string frame = "data: " + chunk_head_;
    if (!x_ignored_.empty()) frame += ",\"x_ignored\":" + std::exchange(x_ignored_, "");
    frame += ",\"choices\":[{\"index\":" + std::to_string(choice) + ",\"delta\":";
    frame.append(delta).append(details);
    frame.append(",\"finish_reason\":").append(finish_reason).append("}]");
    if (settings_.stream_usage == StreamUsage::shown) frame += ",\"usage\":null";
    return frame += "}\n\n";
}

std::string ChatReply::details_json(const std::vector<Logprobs>& details) const {
    const bool has_logprobs = settings_.detail == TokenDetail::logprobs && !details.empty();
    std::string json = ",\"logprobs\":";
    json += has_logprobs ? chat_logprobs(details, *settings_.vocabulary) : "null";
    if (settings_.token_ids)
        json += fmt::format(",\"token_ids\":[{}]", fmt::join(ids_of(details), ","));
    return json;
}

std::string ChatReply::stream_end() {
    if (settings_.stream_usage == StreamUsage::hidden) return "";
    return "data: " + chunk_head_ + ",\"choices\":[],\"usage\":" + usage_.json().text() + "}\n\n";
}

JsonObject ChatReply::choice_json(std::size_t index) const {
    const Choice& choice = choices_[index];
    std::vector<JsonObject> calls;
    for (const Call& call : choice.calls)
        calls.push_back(
            JsonObject()
                .add("id", call.id)
                .add("type", "function")
                .add("function",
                     JsonObject().add("name", call.name).add("arguments", call.arguments)));
    JsonObject message;
    message.add("role", "assistant");
    choice.content.empty() && !calls.empty() ? message.add("content", nullptr)
                                             : message.add("content", choice.content);
    message.add("refusal", nullptr);
    if (!choice.reasoning.empty()) message.add("reasoning_content", choice.reasoning);
    if (!calls.empty()) message.add("tool_calls", calls);

    const bool has_logprobs = settings_.detail == TokenDetail::logprobs;
    JsonObject json;
    json.add("index", index).add("message", message);
    json.add_json("logprobs",
                  has_logprobs ? chat_logprobs(choice.details, *settings_.vocabulary) : "null");
    if (settings_.token_ids) json.add("token_ids", ids_of(choice.details));
    return json.add("finish_reason", choice.finish_reason);
}

std::string ChatReply::body() {
    std::vector<JsonObject> choices;
    for (std::size_t i = 0; i < choices_.size(); ++i) choices.push_back(choice_json(i));
    JsonObject json = settings_.head.json("chat.completion");
    json.add("choices", choices).add("usage", usage_.json());
    if (!x_ignored_.empty()) json.add_json("x_ignored", x_ignored_);
    return json.text();
}

}  // namespace llm

#include "llm/api/completions/chat_format.h"

#include "llm/api/completions/calls_as_text.h"
#include "llm/model/length_bound.h"
#include "worker/base/json.h"

#include <boost/json/serialize.hpp>

#include <utility>

namespace llm {

namespace json = boost::json;

namespace {

// Templates want arguments as an object, where OpenAI's clients send them as its text.
void parse_arguments(json::object& message) {
    json::value* calls = message.if_contains("tool_calls");
    if (calls == nullptr || !calls->is_array()) return;
    for (json::value& call : calls->get_array()) {
        json::value& arguments = call.at("function").at("arguments");
        if (!arguments.is_string()) continue;
        auto parsed = worker::parse_json(arguments.get_string());
        if (parsed && parsed->is_object()) arguments = std::move(*parsed);
    }
}

void add_instructions(json::array& messages, const std::string& instructions) {
    const bool has_system = !messages.empty() && messages.front().at("role") == "system" &&
                            messages.front().at("content").is_string();
    if (!has_system) {
        messages.insert(messages.begin(),
                        json::object{{"role", "system"}, {"content", instructions}});
        return;
    }
    json::string& content = messages.front().at("content").get_string();
    content.append("\n\n").append(instructions);
}

// A reply that goes on from the last message has no end of a turn between the two.
// Source: transformers, `apply_chat_template`, continue_final_message.
Result<std::string> cut_behind(std::string text, std::string_view content) {
    const std::size_t end = content.find_last_not_of(" \t\r\n");
    const std::string_view trimmed = content.substr(0, end == content.npos ? 0 : end + 1);
    const std::size_t found = text.rfind(trimmed);
    if (found == std::string::npos)
        return worker::fail(worker::ErrorCode::invalid_request,
                            "the chat template changes the last message: its reply cannot be "
                            "continued");
    text.resize(found + trimmed.size());
    return text;
}

std::string_view last_content(const json::object& context) {
    return context.at("messages").get_array().back().at("content").get_string();
}

}  // namespace

std::vector<Tool> tools_of(const ChatRequest& request) {
    std::vector<Tool> tools;
    for (const json::value& entry : request.tools) {
        const json::object& function = entry.at("function").get_object();
        Tool tool{.name = std::string(function.at("name").get_string())};
        if (const auto* description = function.if_contains("description");
            description && description->is_string())
            tool.description = std::string(description->get_string());
        if (const auto* parameters = function.if_contains("parameters");
            parameters && parameters->is_object())
            tool.parameters = parameters->get_object();
        tools.push_back(std::move(tool));
    }
    return tools;
}

Result<ChatFormat> ChatFormat::make(const ModelCard& card,
                                    std::shared_ptr<const Vocabulary> vocabulary) {
    auto compiled =
        ChatTemplate::compile(*card.chat_template, {.bos = card.bos_text, .eos = card.eos_text});
    if (!compiled) return worker::fail(std::move(compiled.error()));
    return ChatFormat(std::move(*compiled), *card.chat_template, std::move(vocabulary));
}

ChatFormat::ChatFormat(ChatTemplate chat_template, std::string_view source,
                       std::shared_ptr<const Vocabulary> vocabulary)
    : template_(std::move(chat_template)),
      vocabulary_(std::move(vocabulary)),
      spellings_(*vocabulary_),
      tool_format_(tool_format_of(source)),
      reasoning_(reasoning_format_of(source)),
      knows_developers_(source.find("developer") != std::string_view::npos) {}

json::object ChatFormat::context_of(const ChatRequest& request, ToolFormat format) const {
    json::object context = request.template_arguments;
    json::array messages = request.messages;
    for (json::value& message : messages) {
        if (!knows_developers_ && message.at("role") == "developer") message.at("role") = "system";
        parse_arguments(message.get_object());
    }
    if (tool_format_ == ToolFormat::generic) messages = calls_as_text(messages);
    if (format == ToolFormat::generic)
        add_instructions(messages, generic_tool_instructions(tools_of(request)));
    else if (format != ToolFormat::none)
        context["tools"] = request.tools;
    context["messages"] = std::move(messages);
    context["add_generation_prompt"] = !request.continue_final_message;
    return context;
}

Result<ChatPrompt> ChatFormat::prompt(const ChatRequest& request, worker::Clock::WallTime now,
                                      std::size_t tokens_max) const {
    const bool calls = !request.tools.empty() && request.tool_choice.kind != ToolChoice::Kind::none;
    ChatPrompt prompt{.tool_format = calls ? tool_format_ : ToolFormat::none};
    auto guarded = spellings_.guard(context_of(request, prompt.tool_format));
    if (!guarded) return worker::fail(std::move(guarded.error()));
    auto text = template_.render(guarded->context, now);
    if (text && request.continue_final_message)
        text = cut_behind(std::move(*text), last_content(guarded->context));
    if (!text) return worker::fail(std::move(text.error()));
    const auto longer = surely_longer_than(tokens_max, *text, *vocabulary_);
    if (!longer) return worker::fail(longer.error());
    if (*longer) {
        prompt.length = **longer;
        return prompt;
    }
    const std::vector<PromptSegment> segments = spellings_.cut(*text, guarded->mark);
    auto tokens = tokenize(*vocabulary_, segments);
    if (!tokens) return worker::fail(std::move(tokens.error()));
    prompt.tokens = std::move(*tokens);
    prompt.length = prompt.tokens.size();
    for (const PromptSegment& segment : segments) prompt.text += segment.text;
    if (!request.continue_final_message) prompt.start = reply_start(reasoning_, prompt.text);
    return prompt;
}

std::optional<Token> ChatFormat::control_token(std::string_view spelling) const {
    const auto tokens = vocabulary_->tokenize(spelling, SpecialTokens::parsed, LeadingToken::none);
    if (!tokens || tokens->size() != 1) return std::nullopt;
    const Token token = tokens->front();
    const bool is_control = vocabulary_->piece(token).empty();
    return is_control && vocabulary_->spelling(token) == spelling ? std::optional(token)
                                                                  : std::nullopt;
}

std::vector<Token> ChatFormat::markers(ToolFormat format) const {
    std::vector<std::string_view> spellings;
    if (format != ToolFormat::none)
        for (const std::string_view marker : tool_markers(format)) spellings.push_back(marker);
    if (reasoning_ != ReasoningFormat::none) {
        spellings.push_back(reasoning_tags(reasoning_).open);
        spellings.push_back(reasoning_tags(reasoning_).close);
    }
    std::vector<Token> tokens;
    for (const std::string_view spelling : spellings)
        if (const auto token = control_token(spelling)) tokens.push_back(*token);
    return tokens;
}

}  // namespace llm

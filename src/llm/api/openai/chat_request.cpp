#include "llm/api/openai/chat_request.h"

#include "llm/api/openai/chat_messages.h"
#include "llm/api/openai/parameters.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace llm {

using worker::BodyPlace;
using worker::Checked;
using worker::IgnoredParameters;
using worker::OpenAiError;
using worker::refuse;

namespace {

namespace json = boost::json;

// What templates get from us and from nobody else.
constexpr std::array own_arguments = {std::string_view("messages"), std::string_view("tools"),
                                      std::string_view("add_generation_prompt"),
                                      std::string_view("bos_token"), std::string_view("eos_token")};

// One limit under two names.
Checked agree_on_max_tokens(ChatDraft& draft) {
    if (!draft.max_completion_tokens) return {};
    if (draft.max_tokens && *draft.max_tokens != *draft.max_completion_tokens) {
        return refuse("max_tokens",
                      fmt::format("max_tokens and max_completion_tokens differ ({} and {}): send "
                                  "max_completion_tokens alone",
                                  *draft.max_tokens, *draft.max_completion_tokens));
    }
    draft.max_tokens = draft.max_completion_tokens;
    return {};
}

Checked check_logprobs(const ChatDraft& draft) {
    if (draft.logprobs || draft.top_logprobs == 0) return {};
    return refuse("top_logprobs", "top_logprobs is for \"logprobs\": true only");
}

Checked read_tools(const ChatDraft& draft, ChatRequest& request, IgnoredParameters& ignored) {
    if (draft.tools) {
        const Checked checked = check_tools(*draft.tools, ignored);
        if (!checked) return checked;
        request.tools = *draft.tools;
    }
    auto choice = read_tool_choice(draft.tool_choice, request.tools);
    if (!choice) return tl::make_unexpected(std::move(choice.error()));
    request.tool_choice = std::move(*choice);
    const bool has_to_call = request.tool_choice.kind == ToolChoice::Kind::required ||
                             request.tool_choice.kind == ToolChoice::Kind::named;
    if (!has_to_call || !draft.grammar) return {};
    return refuse("tool_choice",
                  fmt::format("a reply that has to call a tool cannot follow {}: use tool_choice "
                              "auto or none, or leave out {}",
                              draft.grammar->param, draft.grammar->param));
}

Checked read_template_arguments(const ChatDraft& draft, ChatRequest& request) {
    if (draft.chat_template_kwargs) request.template_arguments = *draft.chat_template_kwargs;
    for (const std::string_view own : own_arguments) {
        if (!request.template_arguments.contains(own)) continue;
        const std::string name = fmt::format("chat_template_kwargs.{}", own);
        return refuse(name, name + " is not the caller's to set: leave it out");
    }
    if (!draft.reasoning_effort) return {};
    json::value& effort = request.template_arguments["reasoning_effort"];
    if (!effort.is_null() && effort != json::value(*draft.reasoning_effort)) {
        return refuse("reasoning_effort",
                      "reasoning_effort and chat_template_kwargs.reasoning_effort differ: send one "
                      "of them");
    }
    effort = *draft.reasoning_effort;
    return {};
}

Checked check_continuation(const ChatDraft& draft, const json::array& messages) {
    if (!draft.continue_final_message) return {};
    const json::object& last = messages.back().get_object();
    const bool can_go_on = last.at("role") == "assistant" && last.at("content").is_string() &&
                           !last.contains("tool_calls");
    if (can_go_on) return {};
    return refuse("continue_final_message",
                  "continue_final_message needs a last message of the role assistant with content "
                  "and without tool_calls");
}

Checked complete(ChatDraft& draft, ChatRequest& request, IgnoredParameters& ignored) {
    auto messages = read_messages(*draft.messages, ignored);
    if (!messages) return tl::make_unexpected(std::move(messages.error()));
    request.messages = std::move(*messages);
    Checked checked = agree_on_max_tokens(draft);
    if (checked) checked = check_logprobs(draft);
    if (checked) checked = complete_generation(draft, ignored);
    if (checked) checked = read_tools(draft, request, ignored);
    if (checked) checked = read_template_arguments(draft, request);
    if (checked) checked = check_continuation(draft, request.messages);
    return checked;
}

}  // namespace

tl::expected<ChatRequest, OpenAiError> parse_chat_request(const json::value& body,
                                                          const RequestLimits& limits) {
    const json::object* object = body.if_object();
    if (!object) return tl::make_unexpected(OpenAiError{.message = "the body must be an object"});
    IgnoredParameters ignored;
    ChatDraft draft;
    take_defaults(draft, limits.defaults);
    ChatRequest request;
    Checked read = read_object(*object, chat_rows(limits), BodyPlace{ignored}, draft);
    if (read) read = complete(draft, request, ignored);
    if (!read) return tl::make_unexpected(std::move(read.error()));

    request.parallel_tool_calls = draft.parallel_tool_calls;
    request.logprobs = draft.logprobs;
    request.top_logprobs = draft.top_logprobs;
    request.continue_final_message = draft.continue_final_message;
    request.generation = std::move(draft);
    request.generation.ignored = std::move(ignored).take();
    return request;
}

}  // namespace llm

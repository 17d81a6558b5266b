#include "llm/api/openai/chat_messages.h"

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace llm {

using worker::BodyPlace;
using worker::Checked;
using worker::IgnoredParameters;
using worker::OpenAiError;
using worker::refuse;
using worker::refused;
using worker::required;
using worker::Rows;
using worker::supported;

namespace {

namespace json = boost::json;

// Made once a request: a conversation may have many messages.
struct ConversationRows {
    Rows<MessageDraft> message = message_rows();
    Rows<ContentPartDraft> part = content_part_rows();
    Rows<ToolCallDraft> tool_call = tool_call_rows();
    Rows<CalledFunctionDraft> function = called_function_rows();
};

// Parts that OpenAI has and a model of text cannot read.
constexpr std::array unreadable_parts = {std::string_view("image_url"),
                                         std::string_view("input_audio"), std::string_view("file")};

// "messages[2].content[1]" of the place inside it.
std::string name_of(const BodyPlace& place) {
    return place.path.substr(0, place.path.size() - 1);
}

tl::unexpected<OpenAiError> not_an_object(const BodyPlace& place) {
    return refuse(name_of(place), name_of(place) + " must be an object");
}

Checked append_part(const json::value& part, const BodyPlace& place,
                    const Rows<ContentPartDraft>& rows, json::string& text) {
    const json::object* object = part.if_object();
    if (!object) return not_an_object(place);
    const json::value* type = object->if_contains("type");
    const auto is_type = [&](std::string_view name) {
        return type && type->is_string() && type->get_string() == name;
    };
    const auto unreadable = std::ranges::find_if(unreadable_parts, is_type);
    if (unreadable != unreadable_parts.end()) {
        return refuse(name_of(place), fmt::format("{} is of the type {}, and this model reads text "
                                                  "only: send parts of the type text",
                                                  name_of(place), *unreadable));
    }
    ContentPartDraft draft;
    const Checked read = read_object(*object, rows, place, draft);
    if (read) text.append(draft.text);
    return read;
}

// Text parts are one text, without anything between them.
tl::expected<json::value, OpenAiError> read_content(const json::value& content,
                                                    const BodyPlace& place,
                                                    const Rows<ContentPartDraft>& rows) {
    if (content.is_string()) return content;
    const json::array* parts = content.if_array();
    if (!parts || parts->empty()) {
        const std::string name = place.path + "content";
        return refuse(name, name + " must be a text or a list of at least one content part");
    }
    json::string text;
    for (std::size_t i = 0; i < parts->size(); ++i) {
        const Checked appended = append_part((*parts)[i], place.item("content", i), rows, text);
        if (!appended) return tl::make_unexpected(appended.error());
    }
    return json::value(std::move(text));
}

tl::expected<json::object, OpenAiError> read_tool_call(const json::value& call,
                                                       const BodyPlace& place,
                                                       const ConversationRows& rows) {
    const json::object* object = call.if_object();
    if (!object) return not_an_object(place);
    ToolCallDraft draft;
    CalledFunctionDraft function;
    Checked read = read_object(*object, rows.tool_call, place, draft);
    if (read)
        read = read_object(*draft.function, rows.function, place.inside("function"), function);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    return json::object{{"id", draft.id},
                        {"type", draft.type},
                        {"function", {{"name", function.name}, {"arguments", function.arguments}}}};
}

tl::expected<json::array, OpenAiError> read_tool_calls(const json::array& calls,
                                                       const BodyPlace& place,
                                                       const ConversationRows& rows) {
    json::array list;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        auto call = read_tool_call(calls[i], place.item("tool_calls", i), rows);
        if (!call) return tl::make_unexpected(std::move(call.error()));
        list.push_back(std::move(*call));
    }
    return list;
}

// Leaves out what a role has no use for, and says so.
void drop_what_others_have(MessageDraft& draft, const BodyPlace& place) {
    const auto drop = [&](auto& member, std::string_view name, std::string_view role) {
        if (!member || draft.role == role) return;
        place.ignored.add(std::string(place.told_as).append(name),
                          fmt::format("only messages of the role {} have it", role));
        member = {};
    };
    drop(draft.reasoning_content, "reasoning_content", "assistant");
    drop(draft.tool_calls, "tool_calls", "assistant");
    drop(draft.tool_call_id, "tool_call_id", "tool");
    if (draft.tool_calls && draft.tool_calls->empty()) draft.tool_calls = nullptr;
}

Checked check_role(const MessageDraft& draft, const BodyPlace& place) {
    if (draft.role == "tool" && !draft.tool_call_id) {
        return refuse(place.path + "tool_call_id",
                      place.path + "tool_call_id is required: it says which call is answered");
    }
    if (draft.content || draft.tool_calls) return {};
    const std::string name = place.path + "content";
    return refuse(name, draft.role == "assistant"
                            ? name + " is required where there are no tool_calls"
                            : name + " is required");
}

tl::expected<json::object, OpenAiError> read_message(const json::object& message,
                                                     const BodyPlace& place,
                                                     const ConversationRows& rows) {
    MessageDraft draft;
    Checked checked = read_object(message, rows.message, place, draft);
    if (!checked) return tl::make_unexpected(std::move(checked.error()));
    drop_what_others_have(draft, place);
    checked = check_role(draft, place);
    if (!checked) return tl::make_unexpected(std::move(checked.error()));

    json::object read = {{"role", draft.role}, {"content", nullptr}};
    if (draft.content) {
        auto content = read_content(*draft.content, place, rows.part);
        if (!content) return tl::make_unexpected(std::move(content.error()));
        read["content"] = std::move(*content);
    }
    if (draft.name) read["name"] = *draft.name;
    if (draft.reasoning_content) read["reasoning_content"] = *draft.reasoning_content;
    if (draft.tool_calls) {
        auto calls = read_tool_calls(*draft.tool_calls, place, rows);
        if (!calls) return tl::make_unexpected(std::move(calls.error()));
        read["tool_calls"] = std::move(*calls);
    }
    if (draft.tool_call_id) read["tool_call_id"] = *draft.tool_call_id;
    return read;
}

}  // namespace

Rows<MessageDraft> message_rows() {
    using D = MessageDraft;
    return {
        required<D>("role", &D::role,
                    {.words = {"system", "developer", "user", "assistant", "tool"}}),
        supported<D>("content", &D::content, {},
                     {.note = "needed but where an assistant has tool_calls",
                      .accepted = "a text or a list of content parts"}),
        supported<D>("name", &D::name),
        supported<D>("reasoning_content", &D::reasoning_content, {}, {.note = "of an assistant"}),
        supported<D>("tool_calls", &D::tool_calls, {}, {.note = "of an assistant"}),
        supported<D>("tool_call_id", &D::tool_call_id, {},
                     {.note = "of a tool, which has to have it"}),
        refused<D>("function_call", "use tool_calls"),
    };
}

Rows<ContentPartDraft> content_part_rows() {
    using D = ContentPartDraft;
    return {
        required<D>("type", &D::type, {.words = {"text"}},
                    {.note = "`image_url`, `input_audio` and `file` are refused; no URL is ever "
                             "fetched"}),
        required<D>("text", &D::text, {},
                    {.note = "the texts of all parts are joined, with nothing between them"}),
    };
}

Rows<ToolCallDraft> tool_call_rows() {
    using D = ToolCallDraft;
    return {
        required<D>("id", &D::id, {.non_empty = true}),
        required<D>("type", &D::type, {.words = {"function"}}),
        required<D>("function", &D::function),
    };
}

Rows<CalledFunctionDraft> called_function_rows() {
    using D = CalledFunctionDraft;
    return {
        required<D>("name", &D::name, {.non_empty = true}),
        required<D>("arguments", &D::arguments, {}, {.note = "JSON, as a text"}),
    };
}

tl::expected<json::array, OpenAiError> read_messages(const json::array& messages,
                                                     IgnoredParameters& ignored) {
    const ConversationRows rows;
    json::array read;
    read.reserve(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const BodyPlace place = BodyPlace{ignored}.item("messages", i);
        const json::object* message = messages[i].if_object();
        if (!message) return not_an_object(place);
        auto normalised = read_message(*message, place, rows);
        if (!normalised) return tl::make_unexpected(std::move(normalised.error()));
        read.push_back(std::move(*normalised));
    }
    return read;
}

}  // namespace llm

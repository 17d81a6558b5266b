#include "llm/text/tool_format.h"

#include "worker/base/assert.h"
#include "worker/base/json.h"

#include <boost/json/serialize.hpp>

#include <array>

namespace llm {
namespace {

constexpr std::string_view json_name = "{\"name\": \"";
constexpr std::string_view json_arguments = "\", \"arguments\": ";

// The call's JSON of most formats, in a list.
constexpr ToolSyntax list_syntax(std::string_view begin, std::string_view end = {}) {
    return {.section_begin = begin,
            .list_begin = "[",
            .name_begin = json_name,
            .call_middle = json_arguments,
            .call_end = "}",
            .separator = ", ",
            .list_end = "]",
            .section_end = end};
}

constexpr ToolSyntax tagged_json = {.call_begin = "<tool_call>",
                                    .name_begin = "\n{\"name\": \"",
                                    .call_middle = json_arguments,
                                    .call_end = "}\n",
                                    .call_close = "</tool_call>",
                                    .separator = "\n"};
// No separator: templates of this family refuse a history with two calls in a message.
constexpr ToolSyntax bare_json = {.section_begin = "<|python_tag|>",
                                  .name_begin = json_name,
                                  .call_middle = "\", \"parameters\": ",
                                  .call_end = "}"};
constexpr ToolSyntax mistral_list = list_syntax("[TOOL_CALLS]");
constexpr ToolSyntax mistral_named = {.call_begin = "[TOOL_CALLS]", .call_middle = "[ARGS]"};
constexpr ToolSyntax functools = list_syntax("functools");
constexpr ToolSyntax tool_call_list = list_syntax("<|tool_call|>", "<|/tool_call|>");
constexpr ToolSyntax tags_list = list_syntax("<TOOLCALL>", "</TOOLCALL>");
constexpr ToolSyntax generic = {.list_begin = "{\"tool_calls\": [",
                                .name_begin = json_name,
                                .call_middle = json_arguments,
                                .call_end = "}",
                                .separator = ", ",
                                .list_end = "]}"};

constexpr std::array<std::string_view, 2> tag_markers = {"<tool_call>", "</tool_call>"};
constexpr std::array<std::string_view, 1> python_markers = {"<|python_tag|>"};
constexpr std::array<std::string_view, 3> mistral_markers = {"[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"};
constexpr std::array<std::string_view, 2> phi_markers = {"<|tool_call|>", "<|/tool_call|>"};
constexpr std::array<std::string_view, 2> nemotron_markers = {"<TOOLCALL>", "</TOOLCALL>"};

}  // namespace

const ToolSyntax& tool_syntax(ToolFormat format) {
    WORKER_ASSERT(format != ToolFormat::none && format != ToolFormat::tagged_xml);
    switch (format) {
        case ToolFormat::tagged_json: return tagged_json;
        case ToolFormat::bare_json: return bare_json;
        case ToolFormat::mistral_list: return mistral_list;
        case ToolFormat::mistral_named: return mistral_named;
        case ToolFormat::functools: return functools;
        case ToolFormat::tool_call_list: return tool_call_list;
        case ToolFormat::tags_list: return tags_list;
        default: return generic;
    }
}

std::span<const std::string_view> tool_markers(ToolFormat format) {
    switch (format) {
        case ToolFormat::tagged_json:
        case ToolFormat::tagged_xml: return tag_markers;
        case ToolFormat::bare_json: return python_markers;
        case ToolFormat::mistral_list:
        case ToolFormat::mistral_named: return mistral_markers;
        case ToolFormat::tool_call_list: return phi_markers;
        case ToolFormat::tags_list: return nemotron_markers;
        default: return {};
    }
}

ToolFormat tool_format_of(std::string_view template_source) {
    const auto shows = [template_source](std::string_view text) {
        return template_source.find(text) != std::string_view::npos;
    };
    if (shows("[TOOL_CALLS]")) {
        return shows("[ARGS]") ? ToolFormat::mistral_named : ToolFormat::mistral_list;
    }
    // Others put different things between these tags: <arg_key> (GLM), a list (<tool_calls>).
    if (shows("<tool_call>") && !shows("<arg_key>") && !shows("<tool_calls>")) {
        if (shows("<function=")) {
            return shows("<parameter=") ? ToolFormat::tagged_xml : ToolFormat::generic;
        }
        if (shows("{\"name\": ") || shows("{\\\"name\\\": ")) return ToolFormat::tagged_json;
    }
    if (shows("<TOOLCALL>[")) return ToolFormat::tags_list;
    if (shows("functools[")) return ToolFormat::functools;
    // Phi-4-mini's own template shows the tags of definitions only.
    if (shows("<|tool_call|>") || shows("<|/tool|>")) return ToolFormat::tool_call_list;
    // Functionary knows the tag of Llama 3 too, but has tools of another form.
    const bool is_llama =
        shows("<|python_tag|>") || shows("\"parameters\": dictionary of argument");
    if (is_llama && !shows("<function=")) return ToolFormat::bare_json;
    return ToolFormat::generic;
}

std::string generic_tool_instructions(std::span<const Tool> tools) {
    std::string text = "You can call these functions, described by one JSON object a line:\n";
    for (const Tool& tool : tools) {
        boost::json::object described{{"name", tool.name}};
        if (!tool.description.empty()) described["description"] = tool.description;
        if (tool.parameters) described["parameters"] = *tool.parameters;
        text += boost::json::serialize(described);
        text += '\n';
    }
    text +=
        "\nTo call functions, reply with a JSON object of this form and nothing else:\n"
        "{\"tool_calls\": [{\"name\": \"name of the function\", \"arguments\": {}}]}\n"
        "where \"arguments\" has the parameters of the function. To call several functions, put "
        "several objects into the list. When no function is needed, reply in plain text.";
    return text;
}

}  // namespace llm

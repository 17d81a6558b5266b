#pragma once

#include "llm/text/tool.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace llm {

// How a model writes calls of tools into its reply.
enum class ToolFormat : std::uint8_t {
    none,           // no tools in this request: all is text
    tagged_json,    // <tool_call>{"name": …, "arguments": {…}}</tool_call>: Hermes, Qwen, Granite 4
    tagged_xml,     // <tool_call><function=…><parameter=…>…: Qwen3-Coder, Qwen 3.5
    bare_json,      // {"name": …, "parameters": {…}}, or <|python_tag|> before it: Llama 3
    mistral_list,   // [TOOL_CALLS][{"name": …, "arguments": {…}}]
    mistral_named,  // [TOOL_CALLS]…[ARGS]{…}
    functools,      // functools[{"name": …, "arguments": {…}}]
    tool_call_list,  // <|tool_call|>[{"name": …, "arguments": {…}}]<|/tool_call|>: Phi-4-mini
    tags_list,       // <TOOLCALL>[{"name": …, "arguments": {…}}]</TOOLCALL>: Nemotron
    generic          // {"tool_calls": [{"name": …, "arguments": {…}}]}, as instructed by us
};

// How a format spells its calls:
//   section_begin list_begin CALL separator CALL … list_end section_end
// where CALL is
//   call_begin name_begin NAME call_middle ARGUMENTS call_end call_close
// A part may be the spelling of a control token.
struct ToolSyntax {
    std::string_view section_begin = {};
    std::string_view list_begin = {};
    std::string_view call_begin = {};
    std::string_view name_begin = {};
    std::string_view call_middle = {};
    std::string_view call_end = {};
    std::string_view call_close = {};
    std::string_view separator = {};
    std::string_view list_end = {};
    std::string_view section_end = {};
};

// Requires: neither `none` nor `tagged_xml`.
const ToolSyntax& tool_syntax(ToolFormat format);

// The format that a chat template shows to its model; `generic` where it shows none of these.
// A template of that kind is rendered without tools: they go into `generic_tool_instructions`.
ToolFormat tool_format_of(std::string_view template_source);

// What the model of a template without tools is told about them, as a system message.
std::string generic_tool_instructions(std::span<const Tool> tools);

// Spellings that tell calls from text. Where one is a control token, the text that is parsed has to
// contain its spelling, although control tokens have no text of their own.
std::span<const std::string_view> tool_markers(ToolFormat format);

}  // namespace llm

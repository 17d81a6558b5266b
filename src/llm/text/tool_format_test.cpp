#include "llm/text/tool_format.h"

#include <gtest/gtest.h>

#include <string_view>

namespace llm {
namespace {

struct Case {
    std::string_view template_source;
    ToolFormat format;
};

TEST(ToolFormatTest, is_what_the_template_shows) {
    const Case cases[] = {
        {R"({{- '<tool_call>\n{"name": "' + call.name + '", "arguments": ' }})",
         ToolFormat::tagged_json},
        {R"({{- "within <tool_call></tool_call> tags: {\"name\": <function-name>}" }})",
         ToolFormat::tagged_json},
        {R"({{- '<tool_call>\n<function=' + call.name + '>\n<parameter=' }})",
         ToolFormat::tagged_xml},
        {R"({{- '{"name": function name, "parameters": dictionary of argument name}' }})",
         ToolFormat::bare_json},
        {R"({{- "<|python_tag|>" + call.name }})", ToolFormat::bare_json},
        {R"({{- "[TOOL_CALLS][" }}{{ call|tojson }})", ToolFormat::mistral_list},
        {R"({{- '[TOOL_CALLS]' + call.name + '[ARGS]' + arguments }})", ToolFormat::mistral_named},
        {R"({{ ' functools[' + calls | join(', ') + ']' }})", ToolFormat::functools},
        {R"(respond only with <|tool_call|> followed by a JSON list)", ToolFormat::tool_call_list},
        {R"({{ '<|tool|>' + message['tools'] + '<|/tool|>' }})", ToolFormat::tool_call_list},
        {R"({{- '<TOOLCALL>[' -}})", ToolFormat::tags_list},
    };
    for (const Case& expected : cases) {
        EXPECT_EQ(tool_format_of(expected.template_source), expected.format)
            << expected.template_source;
    }
}

TEST(ToolFormatTest, is_generic_where_the_template_shows_none_of_these) {
    for (const std::string_view source : {
             R"({{ '<|im_start|>' + message.role + '\n' + message.content }})",
             R"({{ '<tool_call>' + name + '\n<arg_key>' }}{"name": )",
             R"({{ '<tool_call></tool_call>' }}<tool_calls>[{"name": ...)",
             R"({{ '<|python_tag|>' }}{{ '<function=' + name + '>' }})",
             R"({{ '<tool_call><function=' + name + '>' }}{"name": )",
             R"({{ "<|START_ACTION|>" }}{"tool_name": , "parameters": )",
             "",
         }) {
        EXPECT_EQ(tool_format_of(source), ToolFormat::generic) << source;
    }
}

TEST(ToolFormatTest, tells_a_model_without_tools_of_its_own_what_it_may_call) {
    const Tool tools[] = {
        {.name = "now"},
        {.name = "add", .description = "Adds.", .parameters = {{{"type", "object"}}}},
    };
    EXPECT_EQ(generic_tool_instructions(tools),
              R"(You can call these functions, described by one JSON object a line:
{"name":"now"}
{"name":"add","description":"Adds.","parameters":{"type":"object"}}

To call functions, reply with a JSON object of this form and nothing else:
{"tool_calls": [{"name": "name of the function", "arguments": {}}]}
where "arguments" has the parameters of the function. To call several functions, put )"
              R"(several objects into the list. When no function is needed, reply in plain text.)");
}

}  // namespace
}  // namespace llm

#include "llm/text/tool_call_parser.h"

#include "llm/text/reply_transcript.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace llm {
namespace {

const std::vector<Tool>& tools() {
    static const std::vector<Tool> known = {
        {.name = "add"},
        {.name = "get_weather",
         .parameters = {{{"type", "object"},
                         {"properties",
                          {{"city", {{"type", "string"}}}, {"days", {{"type", "integer"}}}}}}}},
    };
    return known;
}

std::string transcript(ToolFormat format, const std::vector<std::string_view>& pieces) {
    ToolCallParser parser(format, tools());
    std::vector<ReplyDelta> deltas;
    for (const std::string_view piece : pieces) parser.push(piece, deltas);
    parser.finish(deltas);
    const std::string said = reply_transcript(deltas);
    EXPECT_EQ(parser.has_calls(), said.find('#') != std::string::npos) << said;
    return said;
}

// What the text says, whole, in any two pieces and byte by byte.
void check(ToolFormat format, std::string_view text, std::string_view expected) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        ASSERT_EQ(transcript(format, {text.substr(0, cut), text.substr(cut)}), expected)
            << text << ", cut at " << cut;
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
    ASSERT_EQ(transcript(format, bytes), expected) << text;
}

void check_is_text(ToolFormat format, const std::vector<std::string_view>& texts) {
    for (const std::string_view text : texts) {
        check(format, text, text.empty() ? "" : "'" + std::string(text) + "'");
    }
}

TEST(ToolCallParserTest, takes_all_for_text_without_tools) {
    check_is_text(ToolFormat::none, {"", "Hi\n", R"(<tool_call>{"name":"add"}</tool_call>)"});
}

TEST(ToolCallParserTest, reads_json_in_tags) {
    const ToolFormat format = ToolFormat::tagged_json;
    const std::string_view call =
        "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": [1, 2]}}\n</tool_call>";
    check(format, call, R"(#0 add({"a": [1, 2]}))");
    check(format, "Well…\n\n" + std::string(call) + "\nDone.",
          R"('Well…' #0 add({"a": [1, 2]}) 'Done.')");
    check(format, std::string(call) + "\n" + std::string(call) + "\n",
          R"(#0 add({"a": [1, 2]}) #1 add({"a": [1, 2]}))");
    check(format, R"(<tool_call>{"name":"add","arguments":{}}<tool_call>{"name":"add"}x)",
          R"(#0 add({}) #1 add({}) 'x')");
    check(format, R"(<tool_call>[{"name":"add"}, {"name":"get_weather"}]</tool_call>)",
          R"(#0 add({}) #1 get_weather({}))");
}

TEST(ToolCallParserTest, reads_what_follows_the_tag_of_llama_or_stands_alone) {
    const ToolFormat format = ToolFormat::bare_json;
    check(format, R"({"name": "add", "parameters": {"a": 1}})", R"(#0 add({"a": 1}))");
    check(format, "\n{\"type\": \"function\", \"name\": \"add\", \"parameters\": {}}\n",
          "#0 add({})");
    check(format, R"(<|python_tag|>{"name": "add", "parameters": {}})", "#0 add({})");
    check(format, R"({"name": "add"}; {"name": "get_weather"}; x)",
          "#0 add({}) #1 get_weather({}) '; x'");
    check(format, R"(I say <|python_tag|>{"name": "add"} and more)",
          "'I say' #0 add({}) 'and more'");
    check_is_text(format, {"", " ", "Hi", " {", R"({"answer": 42})", R"({"name": "Bob", "a": 1})",
                           R"(Hi {"name": "add"})", R"(<|python_tag|>add.call(a=1))"});
}

TEST(ToolCallParserTest, reads_both_forms_of_mistral) {
    for (const ToolFormat format : {ToolFormat::mistral_list, ToolFormat::mistral_named}) {
        check(format, R"([TOOL_CALLS][{"name": "add", "arguments": {"a": 1}, "id": "123456789"}])",
              R"(#0 add({"a": 1}))");
        check(format, R"(Hm[TOOL_CALLS] [{"arguments": {}, "name": "add"}, {"name": "add"}] x)",
              R"('Hm' #0 add({}) #1 add({}) 'x')");
        check(format, R"([TOOL_CALLS]add[ARGS]{"a": 1}[TOOL_CALLS]get_weather[ARGS]{})",
              R"(#0 add({"a": 1}) #1 get_weather({}))");
        check(format, R"([TOOL_CALLS]add[CALL_ID]123456789[ARGS]{}x)", "#0 add({}) 'x'");
        check(format, R"([TOOL_CALLS]add{"a": 1})", R"(#0 add({"a": 1}))");
        check_is_text(format, {"[TOOL_CALLS]", "[TOOL_CALLS]nobody[ARGS]{}", "[TOOL_CALLS]add\n{}",
                               "[TOOL_CALLS]add[AR]{}", "[TOOL_CALLS]add[ARGS]", "[TOOL_", "[1]"});
    }
}

TEST(ToolCallParserTest, reads_lists_behind_a_marker) {
    const std::string_view list = R"([{"name": "add", "arguments": {}}, {"name": "add"}])";
    const std::string_view calls = "#0 add({}) #1 add({})";
    check(ToolFormat::functools, "functools" + std::string(list), calls);
    check(ToolFormat::tool_call_list, "<|tool_call|>" + std::string(list), calls);
    check(ToolFormat::tool_call_list, "<|tool_call|>" + std::string(list) + "<|/tool_call|>\n",
          calls);
    check(ToolFormat::tags_list, "A\n<TOOLCALL>" + std::string(list) + "</TOOLCALL>B",
          "'A' " + std::string(calls) + " 'B'");
    check_is_text(ToolFormat::functools,
                  {"import functools\n", "functools", "functools[]", "func"});
    check_is_text(ToolFormat::tags_list,
                  {"<TOOLCALL>[", "</TOOLCALL>", "<TOOLCALL>[] </TOOLCALL>"});
}

TEST(ToolCallParserTest, reads_the_object_that_was_asked_for) {
    const ToolFormat format = ToolFormat::generic;
    check(format, R"({"tool_calls": [{"name": "add", "arguments": {"a": 1}}]})",
          R"(#0 add({"a": 1}))");
    check(format, "\n{ \"tool_calls\" :[ {\"name\": \"add\"} , {\"name\": \"add\"} ] }\n} x",
          "#0 add({}) #1 add({}) '} x'");
    check_is_text(format,
                  {"Hi }", "{", R"({"tool_ calls": [)", R"({"tool_calls": [{"name": "x"}]})",
                   R"({"tool_calls": []})", R"({"tool_calls": "none"})", "{}"});
}

TEST(ToolCallParserTest, reads_parameters_in_tags_as_their_schema_says) {
    const ToolFormat format = ToolFormat::tagged_xml;
    check(format,
          "<tool_call>\n<function=get_weather>\n<parameter=city>\n\"Rome\" <b>\nEU\n</parameter>\n"
          "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
          R"(#0 get_weather({"city": "\"Rome\" <b>\nEU", "days": 3}))");
    check(format, "A <function=add><parameter=a>[1]</parameter></function></tool_call> B",
          R"('A' #0 add({"a": [1]}) 'B')");
    check(format,
          "<function=add><parameter=a>True</parameter><parameter=b>\n1 2\n</parameter>"
          "<parameter=c></parameter></function>\n"
          "<tool_call><function=add></function></tool_call>",
          R"(#0 add({"a": true, "b": "1 2", "c": ""}) #1 add({}))");
    check_is_text(format, {"<tool_call>", "<tool_call>\n{}", "<function=nobody></function>",
                           "<function=add", "a <function>", "<function=\nadd>"});
}

TEST(ToolCallParserTest, ends_a_call_in_tags_where_something_else_follows) {
    const ToolFormat format = ToolFormat::tagged_xml;
    check(format, "<function=add><parameter=a>1</parameter>\n</tool_call> x",
          R"(#0 add({"a": 1}) 'x')");
    check(format, "<function=add><parm=a>", R"(#0 add({}) '<parm=a>')");
    check(format, "<function=add><parameter=a\n>", "#0 add({}) '<parameter=a\n>'");
}

TEST(ToolCallParserTest, accepts_arguments_however_they_are_written) {
    const ToolFormat format = ToolFormat::tagged_json;
    const auto check_call = [format](std::string_view call, std::string_view expected) {
        check(format, "<tool_call>" + std::string(call) + "</tool_call>", expected);
    };
    check_call(R"({"arguments": {"a": 1}, "name": "add"})", R"(#0 add({"a": 1}))");
    check_call(R"({"name": "add", "arguments": "{\"a\": \"\\u00e9\\n\"}"})",
               R"(#0 add({"a": "\u00e9\n"}))");
    check_call(R"({"name": "add", "arguments": " {} "})", "#0 add({})");
    check_call(R"({"name": "add", "arguments": ""})", "#0 add({})");
    check_call(R"({"name": "add", "arguments": null, "extra": [1.5, 2]})", "#0 add({})");
    check_call(R"({"name": "add", "id": 7, "arguments": {"name": "}"}})",
               R"(#0 add({"name": "}"}))");
    check_call(R"({"name": "add", "arguments": {"a": 1}, "arguments": {"a": 2}})",
               R"(#0 add({"a": 1}))");
}

TEST(ToolCallParserTest, takes_for_text_what_turns_out_to_be_no_call) {
    check_is_text(ToolFormat::tagged_json,
                  {"",
                   " \n",
                   "Hi",
                   "Hi \n",
                   "<",
                   "a < b <tool_cal> c",
                   "<tool_call>",
                   "</tool_call>",
                   "<tool_call>\n{\"name\": \"nobody\", \"arguments\": {}}\n</tool_call>",
                   R"(<tool_call>{"name": "add", </tool_call>)",
                   R"( <tool_call> {"name": "add", "arguments": [1]}</tool_call>)",
                   R"(<tool_call>{"name": "add", "arguments": 1})",
                   R"(<tool_call>{"name": "add", "arguments": "text"})",
                   R"(<tool_call>{"name": "add", "arguments": nil})",
                   R"(<tool_call>{"name": 1})",
                   R"(<tool_call>{"arguments": {"a": 1}})",
                   R"(<tool_call>{'name': 'add'})",
                   R"(<tool_call>{"name": "add"])",
                   R"(<tool_call>"add")",
                   "<tool_call>{}</tool_call>"});
    check(ToolFormat::tagged_json, R"(<tool_call><tool_call>{"name": "add"}</tool_call>)",
          "'<tool_call>' #0 add({})");
}

TEST(ToolCallParserTest, goes_on_as_text_behind_what_breaks_a_call) {
    const ToolFormat format = ToolFormat::tagged_json;
    check(format, R"(<tool_call>{"name": "add", "arguments": {"a": 1 "b"}}</tool_call>)",
          R"(#0 add({"a": 1 ) '"b"}}</tool_call>')");
    check(format, R"(<tool_call>{"name": "add", "arguments": {}, x</tool_call>)",
          R"(#0 add({}) 'x</tool_call>')");
    check(format, R"(<tool_call>{"name": "add", "arguments": "{\"a\": 1]")",
          R"(#0 add({"a": 1) ']"')");
    check(format, R"(<tool_call>[{"name": "add"}, {"name": "nobody"}]</tool_call>)",
          R"(#0 add({}) '{"name": "nobody"}]</tool_call>')");
}

TEST(ToolCallParserTest, keeps_of_a_call_that_is_cut_off_what_has_come) {
    check(ToolFormat::tagged_json, R"(<tool_call>{"name": "add", "arguments": {"a": "x)",
          R"(#0 add({"a": "x))");
    check(ToolFormat::tagged_json, R"(<tool_call>{"name": "add", "argum)",
          R"('<tool_call>{"name": "add", "argum')");
    check(ToolFormat::tagged_xml, "<function=get_weather><parameter=city>Ro</par",
          R"(#0 get_weather({"city": "Ro</par))");
    check(ToolFormat::tagged_xml, "<function=add><parameter=a>[1, ", R"(#0 add({"a": [1, ))");
    check(ToolFormat::tagged_json, R"(<tool_call>{"name": "add"}</tool_)", "#0 add({}) '</tool_'");
}

TEST(ToolCallParserTest, bounds_the_depth_of_arguments) {
    const std::string deep =
        R"(<tool_call>{"name": "add", "arguments": {"a": )" + std::string(100, '[');
    const std::string said = transcript(ToolFormat::tagged_json, {deep});
    EXPECT_EQ(said, R"(#0 add({"a": )" + std::string(31, '[') + ") '" + std::string(69, '[') + "'");
}

TEST(ToolCallParserTest, streams_arguments_once_the_name_is_known) {
    ToolCallParser parser(ToolFormat::tagged_json, tools());
    const auto say = [&parser](std::string_view text) {
        std::vector<ReplyDelta> deltas;
        parser.push(text, deltas);
        return deltas;
    };
    using Deltas = std::vector<ReplyDelta>;
    EXPECT_EQ(say("Hi <"), (Deltas{ContentDelta{"Hi"}}));
    EXPECT_EQ(say("tool_call>{\"name\": \"add\", \"arg"), Deltas{});
    EXPECT_EQ(say("uments\": {\"a\""), (Deltas{ToolCallBegin{.index = 0, .name = "add"},
                                               ToolCallArguments{.index = 0, .text = "{\"a\""}}));
    EXPECT_EQ(say(": 1"), (Deltas{ToolCallArguments{.index = 0, .text = ": 1"}}));
    EXPECT_EQ(say("}}\n</tool_call>\n"), (Deltas{ToolCallArguments{.index = 0, .text = "}"}}));
}

}  // namespace
}  // namespace llm

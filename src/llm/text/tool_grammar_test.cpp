#include "llm/text/tool_grammar.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace llm {
namespace {

const std::vector<Tool>& tools() {
    static const std::vector<Tool> known = {
        {.name = "add", .parameters = {{{"type", "object"}, {"required", {"a"}}}}},
        {.name = "now"},
    };
    return known;
}

const ControlTokens control_tokens = {
    {"[TOOL_CALLS]", 5}, {"[ARGS]", 6},     {"<think>", 8},         {"<|python_tag|>", 7},
    {"</think>", 9},     {"<TOOLCALL>", 4}, {"<|tool_call|>", 128}, {"<tool_call>", 129}};

// What stands on the right of a rule.
std::string rule(const std::string& grammar, const std::string& name) {
    const std::string begin = "\n" + name + ": ";
    const std::size_t at = ("\n" + grammar).find(begin);
    if (at == std::string::npos) return "(no rule)";
    const std::string rest = grammar.substr(at + begin.size() - 1);
    return rest.substr(0, rest.find('\n'));
}

TEST(ToolGrammarTest, is_lark_with_the_schemas_inside) {
    EXPECT_EQ(tool_grammar({.format = ToolFormat::tagged_json, .tools = tools()}, {}),
              R"(start: reply
body_0: "\n{\"name\": \"add\", \"arguments\": " arguments_0 "}\n"
arguments_0: %json {"type":"object","required":["a"],"x-guidance":)"
              R"({"whitespace_flexible":false,"item_separator":", ?","key_separator":": ?"}}
body_1: "\n{\"name\": \"now\", \"arguments\": " arguments_1 "}\n"
arguments_1: %json {"type":"object","x-guidance":)"
              R"({"whitespace_flexible":false,"item_separator":", ?","key_separator":": ?"}}
body: body_0 | body_1
call: "<tool_call>" body "</tool_call>"
reply: call ("\n" call){0,15}
)");
}

TEST(ToolGrammarTest, leaves_what_a_schema_says_of_space) {
    const Tool tool = {.name = "add", .parameters = {{{"x-guidance", boost::json::object{}}}}};
    EXPECT_EQ(
        rule(tool_grammar({.format = ToolFormat::generic, .tools = {&tool, 1}}, {}), "arguments_0"),
        R"(%json {"x-guidance":{},"type":"object"})");
}

struct Case {
    ToolFormat format;
    std::string_view reply;
    ControlTokens tokens = {};
    ToolUse use = ToolUse::required;
    CallCount calls = CallCount::many;
};

void check(const Case& expected) {
    const std::string grammar = tool_grammar(
        {.format = expected.format, .tools = tools(), .use = expected.use, .calls = expected.calls},
        expected.tokens);
    EXPECT_EQ(rule(grammar, "reply"), expected.reply) << grammar;
}

TEST(ToolGrammarTest, spells_each_format) {
    using enum ToolFormat;
    check({.format = bare_json, .reply = "call"});
    check({.format = bare_json, .reply = "<[7]>? call", .tokens = control_tokens});
    check({.format = mistral_list, .reply = R"("[TOOL_CALLS]" "[" call (", " call){0,15} "]")"});
    check({.format = mistral_list,
           .reply = R"(<[5]> "[" call (", " call){0,15} "]")",
           .tokens = control_tokens});
    check({.format = mistral_named, .reply = "call (call){0,15}"});
    check({.format = functools, .reply = R"("functools" "[" call (", " call){0,15} "]")"});
    check({.format = tool_call_list,
           .reply = R"(<[128]> "[" call (", " call){0,15} "]" ("<|/tool_call|>")?)",
           .tokens = control_tokens});
    check({.format = generic, .reply = R"("{\"tool_calls\": [" call (", " call){0,15} "]}")"});

    const std::string named =
        tool_grammar({.format = mistral_named, .tools = tools()}, control_tokens);
    EXPECT_EQ(rule(named, "call"), "<[5]> body");
    EXPECT_EQ(rule(named, "body_0"), R"("add" ("[CALL_ID]" CALL_ID)? <[6]> arguments_0)");
}

TEST(ToolGrammarTest, has_one_call_where_one_is_wanted) {
    using enum ToolFormat;
    check({.format = tagged_json, .reply = "call", .calls = CallCount::one});
    check({.format = mistral_named, .reply = "call", .calls = CallCount::one});
    check({.format = functools, .reply = R"("functools" "[" call "]")", .calls = CallCount::one});
    check({.format = tagged_json,
           .reply = "TEXT | text_and_begin calls",
           .use = ToolUse::optional,
           .calls = CallCount::one});
    check({.format = mistral_named,
           .reply = "TEXT (<[5]> calls)?",
           .tokens = control_tokens,
           .use = ToolUse::optional,
           .calls = CallCount::one});
}

TEST(ToolGrammarTest, binds_text_once_a_call_has_begun) {
    using enum ToolFormat;
    constexpr ToolUse optional = ToolUse::optional;
    check({.format = tagged_json, .reply = "(text_and_begin calls){0,16} TEXT", .use = optional});
    check({.format = tagged_json,
           .reply = "TEXT (<[129]> calls TEXT){0,16}",
           .tokens = control_tokens,
           .use = optional});
    check({.format = functools, .reply = "TEXT | text_and_begin calls", .use = optional});
    check({.format = tags_list,
           .reply = "TEXT (<[4]> calls)?",
           .tokens = control_tokens,
           .use = optional});
    check({.format = generic, .reply = "PLAIN | calls", .use = optional});
    check({.format = bare_json,
           .reply = "PLAIN | <[7]>? calls",
           .tokens = control_tokens,
           .use = optional});

    const std::string grammar =
        tool_grammar({.format = functools, .tools = tools(), .use = optional}, {});
    EXPECT_EQ(rule(grammar, "text_and_begin[lazy]"), R"(TEXT "functools[")");
    EXPECT_EQ(rule(grammar, "TEXT"), R"(/(.|\n)*/)");
}

std::string reasoning_rules(ReplyStart start, ToolUse use, const ControlTokens& tokens) {
    const std::string grammar = tool_grammar({.format = ToolFormat::generic,
                                              .tools = tools(),
                                              .use = use,
                                              .reasoning = ReasoningFormat::think,
                                              .start = start},
                                             tokens);
    const std::string lazy = rule(grammar, "thought[lazy]");
    return rule(grammar, "start") + "; " + (lazy[0] == '(' ? rule(grammar, "thought") : lazy);
}

TEST(ToolGrammarTest, lets_a_model_reason_first) {
    using enum ReplyStart;
    using enum ToolUse;
    EXPECT_EQ(reasoning_rules(inside, required, {}),
              R"(thought LINE_BREAKS reply; TEXT "</think>")");
    EXPECT_EQ(reasoning_rules(inside, required, control_tokens),
              R"(thought LINE_BREAKS reply; TEXT <[9]>)");
    EXPECT_EQ(reasoning_rules(outside, required, {}),
              R"(reply | "<think>" thought LINE_BREAKS reply; TEXT "</think>")");
    EXPECT_EQ(reasoning_rules(outside, optional, control_tokens),
              R"(reply | <[8]> thought reply; TEXT <[9]>)");
    EXPECT_EQ(reasoning_rules(inside, optional, {}), R"(thought reply; TEXT "</think>")");
    // Text covers the tag.
    EXPECT_EQ(reasoning_rules(outside, optional, {}), "reply; (no rule)");
}

TEST(ToolGrammarTest, binds_parameters_in_tags_to_their_schemas) {
    const Tool tool = {
        .name = "f",
        .parameters = {{{"properties",
                         {{"text", {{"type", "string"}}},
                          {"unit", {{"type", "string"}, {"enum", {"c", "f"}}}},
                          {"days", {{"$ref", "#/$defs/days"}, {"x-guidance", nullptr}}}}},
                        {"required", {"text"}},
                        {"$defs", {{"days", {{"type", "integer"}}}}}}}};
    const std::string grammar =
        tool_grammar({.format = ToolFormat::tagged_xml, .tools = {&tool, 1}}, {});
    EXPECT_EQ(
        rule(grammar, "body_0"),
        R"("\n<function=f>\n" "<parameter=text>\n" value_0_0 ("<parameter=unit>\n" value_0_1)?)"
        R"( ("<parameter=days>\n" value_0_2)? "</function>\n")");
    EXPECT_EQ(rule(grammar, "value_0_0"), "text_value");
    EXPECT_EQ(rule(grammar, "text_value[lazy]"), R"(TEXT "\n</parameter>\n")");
    EXPECT_EQ(rule(grammar, "value_0_1"), R"("c\n</parameter>\n" | "f\n</parameter>\n")");
    EXPECT_EQ(rule(grammar, "value_0_2"), R"(value_0_2_json "\n</parameter>\n")");
    EXPECT_EQ(
        rule(grammar, "value_0_2_json"),
        R"(%json {"$ref":"#/$defs/days","x-guidance":null,"$defs":{"days":{"type":"integer"}}})");

    const Tool free = {.name = "g"};
    EXPECT_EQ(
        rule(tool_grammar({.format = ToolFormat::tagged_xml, .tools = {&free, 1}}, {}), "body_0"),
        R"("\n<function=g>\n" ("<parameter=" KEY ">\n" text_value)* "</function>\n")");
}

}  // namespace
}  // namespace llm

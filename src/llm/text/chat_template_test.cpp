#include "llm/text/chat_template.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace llm {
namespace {

using worker::ErrorCode;

Result<std::string> render(std::string_view source, std::string_view context = "{}") {
    const auto compiled = ChatTemplate::compile(source, {.bos = "<s>", .eos = "</s>"});
    if (!compiled) return worker::fail(compiled.error());
    const worker::Clock::WallTime now(std::chrono::hours(24 * 366));
    return compiled->render(boost::json::parse(context).as_object(), now);
}

void check(std::string_view source, std::string_view context, std::string_view expected) {
    const Result<std::string> text = render(source, context);
    EXPECT_EQ(text.value_or("error: " + (text ? "" : text.error().message)), expected) << source;
}

void check_refused(std::string_view source, std::string_view context, std::string_view message) {
    const Result<std::string> text = render(source, context);
    ASSERT_FALSE(text) << *text;
    EXPECT_EQ(text.error().code, ErrorCode::invalid_request);
    EXPECT_NE(text.error().message.find(message), std::string::npos) << text.error().message;
}

TEST(ChatTemplateTest, renders_messages_in_order) {
    check(
        "{{ bos_token }}{% for message in messages %}\n"
        "    {% if message['role'] == 'user' %}\n"
        "Q: {{ message.content }}{{ eos_token }}\n"
        "    {% else %}\n"
        "A: {{ message.content | trim }}\n"
        "    {% endif %}\n"
        "{% endfor %}\n"
        "{% if add_generation_prompt %}A:{% endif %}",
        R"({"messages":[{"role":"user","content":"<b>"},{"role":"assistant","content":" é "}],
            "add_generation_prompt":true})",
        "<s>Q: <b></s>\nA: é\nA:");
}

TEST(ChatTemplateTest, knows_what_transformers_gives) {
    check("{{ tools is none }} {{ tools is defined }} {{ documents is none }}", "{}",
          "True True True");
    check("{{ tools | length }} {{ nothing | length }}", R"({"tools":[1,2]})", "2 0");
    check("{{ nothing is defined }}|{{ nothing }}|{{ bos_token }}", R"({"bos_token":"B"})",
          "False||B");
    check("{{ strftime_now('%Y-%m-%d') }}", "{}", "1971-01-02");
    check("{% generation %}x{% set y = 1 %}{% endgeneration %}{{ y is defined }}", "{}", "xFalse");
    check("{{ '{% generation %}' }}{# {% generation %} #}", "{}", "{% generation %}");
    check("{% for i in [1, 2, 3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
          "{}", "13");
    check("{{ 'a,b'.split(',')[1].upper() }} {{ {'a': 1}.items() | list }}", "{}", "B [('a', 1)]");
}

TEST(ChatTemplateTest, writes_numbers_and_names_as_python_does) {
    check("{{ x }}", R"({"x":1.0})", "1.0");
    check("{{ x }}", R"({"x":1e22})", "1e+22");
    check("{{ x }}", R"({"x":0.00001})", "1e-05");
    check("{{ x }}", R"({"x":123456789012345.0})", "123456789012345.0");
    check("{{ x }} {{ y }} {{ z }}", R"({"x":true,"y":null,"z":18446744073709551615})",
          "True None 18446744073709551615");
}

TEST(ChatTemplateTest, writes_json_as_python_does) {
    constexpr std::string_view x = R"({"x":{"b":[1,2.50,"é<>&'\"\n\u0001"],"a":{},"c":[]}})";
    check("{{ x | tojson }}", x, R"({"b": [1, 2.5, "é<>&'\"\n\u0001"], "a": {}, "c": []})");
    check("{{ x | tojson(indent=2) }}", R"({"x":{"b":[1],"a":{}}})",
          "{\n  \"b\": [\n    1\n  ],\n  \"a\": {}\n}");
    check("{{ x | tojson(sort_keys=true, separators=(',', ':')) }}", R"({"x":{"b":1,"a":2}})",
          R"({"a":2,"b":1})");
    check("{{ x | tojson(ensure_ascii=True) }}", R"({"x":"é😀"})", R"("\u00e9\ud83d\ude00")");
}

TEST(ChatTemplateTest, refuses_in_the_template_s_own_words) {
    constexpr std::string_view source =
        "{% macro must(x) %}{% if not x %}{{ raise_exception('Roles must alternate!') }}{% endif %}"
        "{% endmacro %}{{ must(messages) }}";
    const Result<std::string> text = render(source, R"({"messages":[]})");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, ErrorCode::invalid_request);
    EXPECT_EQ(text.error().message, "Roles must alternate!");
    check_refused("{{ messages[0].content + 1 }}", R"({"messages":[{"content":"a"}]})", "+");
    check_refused("{{ x | tojson }}", "{}", "undefined");
}

TEST(ChatTemplateTest, names_the_line_of_a_broken_template) {
    const auto compiled = ChatTemplate::compile("\n{% if %}", {});
    ASSERT_FALSE(compiled);
    EXPECT_NE(compiled.error().message.find(":2"), std::string::npos) << compiled.error().message;
}

TEST(ChatTemplateTest, bounds_a_template_that_does_not_end) {
    check_refused("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{}", "recursion");
    check_refused("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                  "{}", "fuel");
    check_refused("{% set x = 'x' * 99999 %}{% for a in range(9999) %}{{ x }}{% endfor %}", "{}",
                  "too long");
    check_refused(std::string(100'000, '{'), "{}", "");
    check_refused("{{ " + std::string(100'000, '(') + " }}", "{}", "");
}

TEST(ChatTemplateTest, takes_any_text_of_a_message) {
    boost::json::object context;
    std::string hostile = "{{ 1 }}{% raise %}\xF0\x9F\x98\x80 \"\\";
    hostile += '\0';
    context["x"] = hostile;
    const auto compiled = ChatTemplate::compile("{{ x }}", {});
    ASSERT_TRUE(compiled);
    EXPECT_EQ(compiled->render(context, {}).value_or("refused"), hostile);
    context["x"] = "\xFF";
    EXPECT_FALSE(compiled->render(context, {}));
}

}  // namespace
}  // namespace llm

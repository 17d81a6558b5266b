#include "llm/sampling/grammar.h"

#include "llm/sampling/grammar_fixture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace llm {
namespace {

using worker::ErrorCode;

const GrammarVocabulary& grammars() {
    static const auto made = GrammarVocabulary::make(ByteVocabulary());
    return **made;
}

// Whether a reply may be the text and end there.
bool may_say(const GrammarSpec& spec, std::string_view text) {
    const ByteVocabulary vocabulary;
    const auto constraint = grammars().constrain(spec);
    if (!constraint) {
        ADD_FAILURE() << constraint.error().message;
        return false;
    }
    for (const char byte : text) {
        const Token token = static_cast<unsigned char>(byte);
        if (!is_set((*constraint)->allowed().value(), token)) return false;
        EXPECT_TRUE((*constraint)->accept(token).has_value());
    }
    return is_set((*constraint)->allowed().value(), vocabulary.end());
}

struct Says {
    GrammarSpec spec;
    std::vector<std::string_view> these;
    std::vector<std::string_view> not_these;
};

void check(const Says& says) {
    for (const std::string_view text : says.these) {
        EXPECT_TRUE(may_say(says.spec, text)) << says.spec.text << ": " << text;
    }
    for (const std::string_view text : says.not_these) {
        EXPECT_FALSE(may_say(says.spec, text)) << says.spec.text << ": " << text;
    }
}

GrammarSpec schema(std::string text) {
    return {.kind = GrammarKind::json_schema, .text = std::move(text)};
}

void check_refused(const GrammarSpec& spec, std::string_view message) {
    const auto constraint = grammars().constrain(spec);
    ASSERT_FALSE(constraint) << spec.text.substr(0, 100);
    EXPECT_EQ(constraint.error().code, ErrorCode::invalid_request);
    EXPECT_NE(constraint.error().message.find(message), std::string::npos)
        << constraint.error().message;
}

TEST(GrammarTest, a_reply_follows_a_schema) {
    check({.spec = schema(R"({"type":"object","properties":{"a":{"type":"integer"},
                              "b":{"enum":["x","é"]}},"required":["a"],
                              "additionalProperties":false})"),
           .these = {R"({"a":1})", R"({"a": -12, "b": "é"})", "{\n  \"a\": 1,\n  \"b\": \"x\"\n}",
                     R"({ "a" : 1 })"},
           .not_these = {"{}", R"({"b":"x"})", R"({"a":1.5})", R"({"a":1,"b":"y"})", R"({"a":1)",
                         R"({"a":1}})", R"({"b":"x","a":1})", "[]"}});
    check({.spec = schema(R"({"type":"object"})"),
           .these = {"{}", R"({"a":[1,{"b":null}]})"},
           .not_these = {"[]", "1", R"({"a":})"}});
    check({.spec = schema("true"), .these = {"1", "\"\\u0001\""}, .not_these = {"x", ""}});
}

TEST(GrammarTest, whitespace_in_json_has_an_end) {
    const GrammarSpec spec = schema(R"({"type":"array","items":{"type":"integer"}})");
    check({.spec = spec,
           .these = {"[1, 2]", "[\n    1,\n    2\n]"},
           .not_these = {"[  1]", "[\n\n1]", "[\t1]", " [1]"}});
    EXPECT_FALSE(may_say(spec, "[\n" + std::string(21, ' ') + "1]"));
}

TEST(GrammarTest, a_reply_follows_an_expression) {
    check({.spec = {.kind = GrammarKind::regex, .text = R"(\d{3}-[a-f]+|ünd/x)"},
           .these = {"123-a", "123-abc", "ünd/x"},
           .not_these = {"12-a", "123-", "123-ag", "und/x"}});
}

TEST(GrammarTest, a_reply_follows_a_lark_grammar) {
    check({.spec = {.kind = GrammarKind::lark,
                    .text = "start: \"(\" start \")\" | WORD\nWORD: /[a-z]+/"},
           .these = {"a", "((abc))"},
           .not_these = {"((a)", "()", "A"}});
}

TEST(GrammarTest, a_reply_is_one_of_the_choices) {
    const std::vector<std::string> choices = {"yes", "yes, of course", "\"no\"\n", "né/*",
                                              R"(a.b|\d[x]{2}(?i)^$#&-~<>)"};
    check({.spec = one_of(choices).value(),
           .these = {"yes", "yes, of course", "\"no\"\n", "né/*", choices.back()},
           .not_these = {"", "ye", "yes,", "no", "yesyes"}});
    EXPECT_FALSE(one_of({}));
    EXPECT_FALSE(one_of(std::vector<std::string>{"a", ""}));
}

TEST(GrammarTest, control_tokens_come_only_where_a_grammar_names_them) {
    const ByteVocabulary vocabulary;
    const auto allows = [&](const GrammarSpec& spec) {
        return is_set(grammars().constrain(spec).value()->allowed().value(), vocabulary.control());
    };
    EXPECT_FALSE(allows({.kind = GrammarKind::regex, .text = "(?s:.*)"}));
    EXPECT_TRUE(allows({.kind = GrammarKind::lark, .text = "start: <|tool|> \"a\""}));
}

TEST(GrammarTest, a_thousand_values_are_no_more_than_one) {
    std::string values = "\"name 0\"";
    std::vector<std::string> choices = {"name 0"};
    for (int i = 1; i < 1000; ++i) {
        values += fmt::format(",\"name {}\"", i);
        choices.push_back(fmt::format("name {}", i));
    }
    check({.spec = schema("{\"enum\":[" + values + "]}"),
           .these = {"\"name 1\"", "\"name 999\""},
           .not_these = {"\"name 1000\"", "\"name \""}});
    check({.spec = one_of(choices).value(), .these = {"name 7"}, .not_these = {"name 1000"}});
}

TEST(GrammarTest, refuses_what_is_no_grammar) {
    check_refused(schema("{"), "no JSON");
    check_refused(schema("[]"), "has to be an object");
    check_refused(schema(R"({"type":"text"})"), "text");
    check_refused(schema(R"({"not":{}})"), "not");
    check_refused(schema(R"({"type":"string","enum":[1]})"), "nsatisfiable");
    check_refused(schema(R"({"$ref":"#/$defs/a"})"), "a");
    check_refused({.kind = GrammarKind::regex, .text = "("}, "");
    check_refused({.kind = GrammarKind::regex, .text = "a(?=b)"}, "look");
    check_refused({.kind = GrammarKind::lark, .text = "start: other"}, "other");
    check_refused({.kind = GrammarKind::lark, .text = ""}, "");
    check_refused({.kind = GrammarKind::lark, .text = "\xFF"}, "UTF-8");
    // GBNF, as other servers take it.
    check_refused({.kind = GrammarKind::lark, .text = "root ::= \"a\""}, "");
}

std::string repeated(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

TEST(GrammarTest, the_worker_s_own_grammars_hold_long_schemas) {
    std::string text = "start:";
    for (int i = 0; i < 40; ++i)
        text += fmt::format("{} \"{}\" schema_{}", i == 0 ? "" : " |", i, i);
    for (int i = 0; i < 40; ++i) {
        text += fmt::format("\nschema_{}: %json {{\"type\":\"integer\",\"description\":\"{}\"}}", i,
                            repeated("What? A|B, or C* ", 100));
    }
    check_refused({.kind = GrammarKind::lark, .text = text}, "bytes");
    check({.spec = {.kind = GrammarKind::own_lark, .text = text},
           .these = {"3512", "01"},
           .not_these = {"a", "39a"}});
}

// Each in the next one.
std::string linked_rules(int count) {
    std::string rules = "start: a0\n";
    for (int i = 0; i < count; ++i) rules += fmt::format("a{}:a{}\n", i, i + 1);
    return rules + fmt::format("a{}: \"x\"\n", count);
}

TEST(GrammarTest, bounds_what_would_take_long) {
    std::string properties = "\"a\":{}";
    for (int i = 0; i < 500; ++i) properties += fmt::format(",\"p{}\":{{}}", i);
    check_refused(schema("{\"properties\":{" + properties + "}}"), "500 properties");
    check_refused({.kind = GrammarKind::lark, .text = "start: " + repeated("\"a\"? ", 1001)},
                  "1000 of");
    check_refused({.kind = GrammarKind::lark,
                   .text = "start: %json {\"items\":{\"properties\":{" + properties + "}}}"},
                  "500 properties");
    const std::string large(grammar_bytes_max + 1, 'a');
    check_refused({.kind = GrammarKind::regex, .text = large}, "bytes at most");
}

TEST(GrammarTest, a_caller_cannot_loosen_the_rules) {
    check_refused(schema(R"({"x-guidance":{"lenient":true},"not":{}})"), "not");
}

// Each of these ends, in an error or in a constraint that works; none takes the process along.
TEST(GrammarTest, survives_hostile_grammars) {
    const std::vector<GrammarSpec> hostile = {
        {GrammarKind::regex, repeated("(", 50'000) + repeated(")", 50'000)},
        {GrammarKind::regex, repeated("(a|", 2'000) + repeated(")", 2'000)},
        {GrammarKind::regex, "(((a{1,1000}){1,1000}){1,1000})"},
        {GrammarKind::regex, "(.*a){200}"},
        {GrammarKind::regex, "(a|aa|aaa)*b(a?){500}a{500}"},
        {GrammarKind::regex, repeated("(x+x+)+", 2'000)},
        {GrammarKind::regex, "\\p{L}{1,10000}"},
        {GrammarKind::lark, "start: " + repeated("(", 20'000) + "\"a\"" + repeated(")", 20'000)},
        {GrammarKind::lark, "start: b\nb: \"a\"" + repeated(" | b \"c\"", 900)},
        {GrammarKind::lark, linked_rules(4'000)},
        {GrammarKind::lark, "start: start start | \"a\" |"},
        {GrammarKind::lark, "start: A{1,1000000}\nA: \"a\"{1,1000000}"},
        {GrammarKind::lark, "start: %json" + repeated("{\"a\":", 20'000)},
        schema(repeated(R"({"type":"array","items":)", 5'000) + "true" + repeated("}", 5'000)),
        schema(repeated(R"({"type":"array","items":)", 120) + "true" + repeated("}", 120)),
        schema(R"({"type":"array","minItems":1000000000})"),
        schema(R"({"type":"string","minLength":1000000000})"),
        schema(R"({"type":"string","maxLength":100000,"pattern":"^(a|b)*a(a|b){30}$"})"),
        schema(R"({"type":"number","multipleOf":1e-300,"minimum":-1e308,"maximum":1e308})"),
        schema(R"({"allOf":[{"$ref":"#"}]})"),
        schema(R"({"$ref":"#"})"),
        schema(R"({"anyOf":[{"$ref":"#/anyOf/1"},{"$ref":"#/anyOf/0"}]})"),
        schema(R"({"type":"é)" + repeated("é", 200) + "\"}"),
        schema(R"({"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/b"}]},
                   "b":{"allOf":[{"$ref":"#/$defs/c"},{"$ref":"#/$defs/c"}]},
                   "c":{"properties":{"x":{"$ref":"#/$defs/a"}}}},"$ref":"#/$defs/a"})"),
    };
    for (const GrammarSpec& spec : hostile) {
        const auto constraint = grammars().constrain(spec);
        if (!constraint) continue;
        for (int step = 0; step < 20; ++step) {
            const auto allowed = (*constraint)->allowed();
            if (!allowed || is_set(*allowed, ByteVocabulary().end())) break;
            Token token = 0;
            while (!is_set(*allowed, token)) ++token;
            if (!(*constraint)->accept(token)) break;
        }
    }
}

TEST(GrammarTest, random_replies_parse) {
    const ByteVocabulary vocabulary;
    const GrammarSpec spec = schema(R"({"type":"object","properties":{
        "name":{"type":"string","maxLength":20},"size":{"type":"number","minimum":0,"maximum":9},
        "tags":{"type":"array","items":{"enum":["a",null,true,3]},"maxItems":5},
        "more":{"anyOf":[{"type":"null"},{"$ref":"#"}]}},
        "required":["name","tags"],"additionalProperties":false})");
    int ended = 0;
    for (std::uint32_t seed = 0; seed < 30; ++seed) {
        SCOPED_TRACE(seed);
        auto constraint = grammars().constrain(spec);
        ASSERT_TRUE(constraint) << constraint.error().message;
        const std::optional<std::string> text = RandomWalk(vocabulary, seed).walk(**constraint);
        if (!text) continue;
        ++ended;
        EXPECT_TRUE(worker::parse_json(*text)) << *text;
    }
    EXPECT_GT(ended, 20);
}

}  // namespace
}  // namespace llm

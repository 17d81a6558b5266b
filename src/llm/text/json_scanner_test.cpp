#include "llm/text/json_scanner.h"

#include "worker/base/json.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace llm {
namespace {

// The bytes of the value at the beginning of `text`, where it is one.
std::optional<std::size_t> scan(std::string_view text) {
    JsonScanner scanner;
    for (std::size_t i = 0; i < text.size(); ++i) {
        switch (scanner.push(text[i])) {
            case JsonStep::more: break;
            case JsonStep::complete: return i + 1;
            case JsonStep::complete_before: return i;
            case JsonStep::broken: return std::nullopt;
        }
    }
    return std::nullopt;
}

TEST(JsonScannerTest, ends_with_the_last_byte_of_a_value) {
    for (const std::string_view value :
         {R"({})", R"([])", R"("")", R"(true)", R"(false)", R"(null)", R"([1,-0,0.5,1e9,-2.5E+1])",
          R"({"a":{"b":[{},[]]},"c":"}"})", R"( { "a" : 1 , "b" : [ true ] })", R"("\"\\\u00e9é")",
          R"({"a":"{\"b\":1}"})"}) {
        EXPECT_EQ(scan(std::string(value) + " x"), value.size()) << value;
    }
}

TEST(JsonScannerTest, knows_a_number_by_what_follows_it) {
    EXPECT_EQ(scan("12}"), 2u);
    EXPECT_EQ(scan("-1.5e3 "), 6u);
    EXPECT_EQ(scan("0,"), 1u);
}

TEST(JsonScannerTest, breaks_at_what_is_no_json) {
    for (const std::string_view text :
         {"}",          "{a:1}",  "{'a':1}", R"({"a" 1})",  R"({"a":1,})", "[1,]",  "[1 2]",
          R"({"a":1])", "01",     "-x",      "1.x",         "1ex",         "1e+x",  "tru ",
          "nul\"",      "\"\n\"", R"("\x")", R"("\u12g4")", "[1}",         "{1:2}", "[,"}) {
        EXPECT_EQ(scan(text), std::nullopt) << text;
    }
}

TEST(JsonScannerTest, goes_as_deep_as_requests_may) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_EQ(scan(nested(worker::json_depth_max)), 2 * worker::json_depth_max);
    EXPECT_EQ(scan(nested(worker::json_depth_max + 1)), std::nullopt);
}

RC_GTEST_PROP(JsonScannerTest, agrees_with_the_parser_of_requests, ()) {
    const auto part =
        rc::gen::element<std::string>("{", "}", "[", "]", ",", ":", "\"a\"", "\"b\\n\"", "0", "-1",
                                      "2.5", "1e", "true", "null", " ");
    std::string text;
    for (const std::string& next : *rc::gen::container<std::vector<std::string>>(part)) {
        text += next;
    }
    const auto parsed = worker::parse_json(text);
    if (!parsed && parsed.error().message.find("duplicate") != std::string::npos) return;
    const std::optional<std::size_t> end = scan(text + '\n');
    const bool whole = end && text.find_first_not_of(" ", *end) == std::string::npos;
    RC_ASSERT(whole == parsed.has_value());
}

std::optional<std::string> unescape(std::string_view inside) {
    JsonStringReader reader;
    std::string text;
    for (const char byte : inside) {
        const JsonStep step = reader.push(byte, text);
        if (step == JsonStep::broken) return std::nullopt;
        if (step == JsonStep::complete) return text;
    }
    return std::nullopt;
}

TEST(JsonStringReaderTest, says_what_a_string_stands_for) {
    EXPECT_EQ(unescape(R"(")"), "");
    EXPECT_EQ(unescape(R"(a\n\t\r\b\f\/\\\"é")"), "a\n\t\r\b\f/\\\"é");
    EXPECT_EQ(unescape(R"(\u0041\u00e9\u20AC\ud83d\ude00")"), "Aé€😀");
    EXPECT_EQ(unescape("\\u0000\""), std::string(1, '\0'));
}

TEST(JsonStringReaderTest, replaces_half_of_a_pair) {
    EXPECT_EQ(unescape(R"(\ud83d")"), "\uFFFD");
    EXPECT_EQ(unescape(R"(\ud83dx")"), "\uFFFDx");
    EXPECT_EQ(unescape(R"(\ud83d\n")"), "\uFFFD\n");
    EXPECT_EQ(unescape(R"(\ude00\ud83d\ud83d\ude00")"), "\uFFFD\uFFFD😀");
}

TEST(JsonStringReaderTest, breaks_at_what_may_not_stand_in_a_string) {
    for (const std::string_view inside : {"\n\"", "\\q\"", "\\u12x4\"", "open"}) {
        EXPECT_EQ(unescape(inside), std::nullopt) << inside;
    }
}

}  // namespace
}  // namespace llm

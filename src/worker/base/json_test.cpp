#include "worker/base/json.h"

#include "worker/base/utf8.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace worker {
namespace {

void check(std::string_view text, const std::string& expected) {
    const auto value = parse_json(text);
    ASSERT_TRUE(value) << text << ": " << value.error().message;
    EXPECT_EQ(boost::json::serialize(*value), expected);
}

void check_refused(std::string_view text, const std::string& expected) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::invalid_json);
    EXPECT_EQ(value.error().message, expected) << text;
}

TEST(JsonTest, reads_every_kind_of_value) {
    check("null", "null");
    check(" true\n", "true");
    check("-12", "-12");
    check("18446744073709551615", "18446744073709551615");
    check(R"("a\u00e4\ud83d\udc1d\n")", R"("aä🐝\n")");
    check("[]", "[]");
    check("{}", "{}");
    check(R"({"a":[1,{"b":null}],"c":{"d":"e"},"":[[]]})",
          R"({"a":[1,{"b":null}],"c":{"d":"e"},"":[[]]})");
}

TEST(JsonTest, the_same_key_may_stand_in_different_objects) {
    check(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})", R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})");
}

void check_number(std::string_view text, double expected) {
    const auto value = parse_json(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(value->to_number<double>(), expected) << text;
}

TEST(JsonTest, numbers_are_the_nearest_double) {
    check_number("0.1", 0.1);
    check_number("2.1", 2.1);
    check_number("1.7976931348623157e308", 1.7976931348623157e308);
    check_number("9007199254740993.0", 9007199254740992.0);
    check_number("123456789012345678901234567890", 123456789012345678901234567890.0);
    check_number("5e-324", 5e-324);
    check_number("1e-999", 0);
}

TEST(JsonTest, refuses_numbers_out_of_range) {
    check_refused("1e999", "line 1, column 6: number out of range");
    check_refused("[-1e999]", "line 1, column 8: number out of range");
    check_refused(std::string(400, '9'), "line 1, column 401: number out of range");
    check_refused("1e99999999999", "line 1, column 12: exponent overflow");
    check_refused("NaN", "line 1, column 1: syntax error");
    check_refused("Infinity", "line 1, column 1: syntax error");
}

TEST(JsonTest, refuses_a_duplicate_key) {
    check_refused(R"({"a":1,"a":2})", "line 1, column 10: duplicate key");
    check_refused("{\"a\":1,\n \"\\u0061\":2}", "line 2, column 9: duplicate key");
}

TEST(JsonTest, refuses_what_is_too_deep) {
    const std::string open(json_depth_max, '[');
    const std::string close(json_depth_max, ']');
    check(open + close, open + close);
    check_refused("[" + open + close + "]", "line 1, column 33: too deep");
    EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
}

TEST(JsonTest, refuses_what_is_not_unicode) {
    check_refused("\"\xff\"", "line 1, column 2: syntax error");
    check_refused("\"\xed\xa0\x80\"", "line 1, column 2: syntax error");
    check_refused(R"("\ud800")", "line 1, column 8: syntax error");
    check_refused(R"("\ud800x")", "line 1, column 8: syntax error");
    check_refused(R"("\udc00")", "line 1, column 8: illegal trailing surrogate");
    check_refused(R"("\ud800\ud800")", "line 1, column 10: illegal trailing surrogate");
}

TEST(JsonTest, refuses_what_is_not_json) {
    check_refused("", "line 1, column 1: incomplete JSON");
    check_refused("{", "line 1, column 2: incomplete JSON");
    check_refused("1 2", "line 1, column 3: extra data");
    check_refused("{}\n\n  x", "line 3, column 3: extra data");
    check_refused("{\"ä\": x}", "line 1, column 7: syntax error");
    check_refused("[1,]", "line 1, column 4: syntax error");
    check_refused("// c\n1", "line 1, column 1: syntax error");
    check_refused("\"a\nb\"", "line 1, column 3: syntax error");
    check_refused("\xef\xbb\xbf{}", "line 1, column 1: syntax error");
    check_refused(std::string_view("1\0", 2), "line 1, column 2: extra data");
}

RC_GTEST_PROP(JsonTest, any_bytes_are_answered, (const std::string& text)) {
    const auto value = parse_json(text);
    // Parenthesised: RC_ASSERT itself would evaluate both sides of an `||`.
    RC_ASSERT((value || value.error().message.starts_with("line ")));
}

void check_string(std::string_view text, const std::string& expected) {
    std::string out = "x";
    append_json_string(out, text);
    EXPECT_EQ(out, "x" + expected);
}

TEST(JsonTest, escapes_what_json_demands) {
    check_string("", R"("")");
    check_string("plain ü 🐝 /", R"("plain ü 🐝 /")");
    check_string("\"\\", R"("\"\\")");
    check_string("\n\r\t", R"("\n\r\t")");
    check_string(std::string_view("a\0\x1f\x7f", 4), "\"a\\u0000\\u001f\x7f\"");
}

RC_GTEST_PROP(JsonTest, an_escaped_text_is_read_back_as_it_was, (const std::string& bytes)) {
    const std::string text = to_utf8(bytes);
    std::string json;
    append_json_string(json, text);
    RC_ASSERT(boost::json::parse(json).as_string() == boost::json::string(text));
    RC_ASSERT(json.find('\n') == std::string::npos);
}

}  // namespace
}  // namespace worker

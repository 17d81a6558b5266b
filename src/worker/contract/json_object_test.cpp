#include "worker/contract/json_object.h"

#include <gtest/gtest.h>

#include <limits>

namespace worker {
namespace {

template <class Value>
void check(const Value& value, const std::string& expected) {
    EXPECT_EQ(JsonObject().add("k", value).text(), "{" + expected + "}");
}

TEST(JsonObjectTest, writes_texts_with_their_escapes) {
    check("plain", R"("k":"plain")");
    check(std::string("line\n\"quoted\" \\ \x01 ü"), R"("k":"line\n\"quoted\" \\ \u0001 ü")");
    check(std::string_view("bad \xff byte"), "\"k\":\"bad \uFFFD byte\"");
}

TEST(JsonObjectTest, writes_integers_in_full) {
    check(std::numeric_limits<std::uint64_t>::max(), R"("k":18446744073709551615)");
    check(std::numeric_limits<std::int64_t>::min(), R"("k":-9223372036854775808)");
    check(std::uint16_t{8080}, R"("k":8080)");
}

TEST(JsonObjectTest, writes_the_shortest_number) {
    check(45.2, R"("k":45.2)");
    check(0.1, R"("k":0.1)");
    check(3.0, R"("k":3)");
    check(1e300, R"("k":1e+300)");
}

TEST(JsonObjectTest, leaves_out_what_json_cannot_express) {
    check(std::numeric_limits<double>::quiet_NaN(), "");
    check(std::numeric_limits<double>::infinity(), "");
}

TEST(JsonObjectTest, writes_what_is_json_already_as_it_is) {
    EXPECT_EQ(JsonObject().add_json("k", "[1, 2]").text(), R"({"k":[1, 2]})");
}

TEST(JsonObjectTest, writes_null_where_it_is_meant) {
    check(nullptr, R"("k":null)");
}

TEST(JsonObjectTest, writes_lists_of_numbers) {
    check(std::vector<int>{1, -2}, R"("k":[1,-2])");
    check(std::vector<int>{}, R"("k":[])");
}

TEST(JsonObjectTest, leaves_out_what_is_absent) {
    check(std::optional<std::string>(), "");
    check(std::optional<std::uint32_t>(7), R"("k":7)");
}

TEST(JsonObjectTest, writes_truths_objects_and_lists) {
    check(true, R"("k":true)");
    check(JsonObject().add("a", 1), R"("k":{"a":1})");
    check(std::vector<JsonObject>{JsonObject(), JsonObject().add("a", 1)}, R"("k":[{},{"a":1}])");
    check(std::vector<std::string>{"a", "\""}, R"("k":["a","\""])");
    check(std::vector<std::string>{}, R"("k":[])");
}

TEST(JsonObjectTest, keeps_the_order_of_the_calls) {
    EXPECT_EQ(JsonObject().add("z", 1).add("a", false).add("m", "").text(),
              R"({"z":1,"a":false,"m":""})");
}

TEST(JsonObjectTest, adds_the_members_of_another) {
    EXPECT_EQ(JsonObject().add_all(JsonObject()).text(), "{}");
    EXPECT_EQ(JsonObject().add_all(JsonObject().add("a", 1)).text(), R"({"a":1})");
    EXPECT_EQ(JsonObject().add("a", 1).add_all(JsonObject().add("b", 2)).text(),
              R"({"a":1,"b":2})");
    EXPECT_EQ(JsonObject().add("a", 1).add_all(JsonObject()).text(), R"({"a":1})");
}

}  // namespace
}  // namespace worker

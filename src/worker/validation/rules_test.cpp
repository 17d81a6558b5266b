#include "worker/validation/rules.h"

#include "worker/base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace worker {
namespace {

// A modality of the tests' own, with one field of each form.
struct ResizeRequest {
    std::string image;
    std::uint32_t width = 640;
    std::int8_t rotation = 0;
    std::optional<std::uint64_t> seed = std::nullopt;
    double gamma = 1.0;
    std::optional<bool> stream = std::nullopt;
    std::string title = "untitled";
    std::vector<std::string> tags = {};

    bool operator==(const ResizeRequest&) const = default;
};

const Rules<ResizeRequest> rules = {
    required_field("image", &ResizeRequest::image,
                   {.non_empty = true, .bytes_max = 4, .alphabet = "a-c_-"}),
    required_field("width", &ResizeRequest::width, {.min = 1, .max = 4096}),
    optional_field("rotation", &ResizeRequest::rotation),
    optional_field("seed", &ResizeRequest::seed),
    optional_field("gamma", &ResizeRequest::gamma, {.min = 0.5, .max = 2.0}),
    optional_field("stream", &ResizeRequest::stream),
    optional_field("title", &ResizeRequest::title, {.characters_max = 3}),
    optional_field("tags", &ResizeRequest::tags,
                   {.count_max = 2,
                    .noun = "labels",
                    .item_noun = "label",
                    .item = {.non_empty = true, .bytes_max = 2}}),
};

tl::expected<ResizeRequest, Violations> parse(std::string_view body) {
    return parse_request(parse_json(body).value(), rules);
}

void accepts(std::string_view body, const ResizeRequest& expected) {
    const auto parsed = parse(body);
    ASSERT_TRUE(parsed.has_value()) << violations_body(parsed.error());
    EXPECT_EQ(*parsed, expected);
}

// `expected`: "constraint: message [value]" a line.
void refuses(std::string_view body, std::string_view expected) {
    const auto parsed = parse(body);
    ASSERT_FALSE(parsed.has_value()) << body;
    std::string found;
    for (const Violation& violation : parsed.error()) {
        found += violation.constraint + ": " + violation.message;
        if (violation.value) found += " [" + *violation.value + "]";
        found += "\n";
    }
    EXPECT_EQ(found, expected);
}

// A body with the required fields and `more`.
std::string with(std::string_view more) {
    return R"({"image":"a","width":1,)" + std::string(more) + "}";
}

TEST(RulesTest, fills_absent_and_null_fields_with_the_defaults_of_the_struct) {
    accepts(R"({"image":"a","width":1})", {.image = "a", .width = 1});
    accepts(with(R"("seed":null,"gamma":null,"tags":null,"title":null)"),
            {.image = "a", .width = 1});
}

TEST(RulesTest, stores_every_form) {
    accepts(R"({"image":"ab_-","width":4096,"rotation":-128,"seed":18446744073709551615,)"
            R"("gamma":0.7,"stream":false,"title":"äöü","tags":["x","ü"]})",
            {.image = "ab_-",
             .width = 4096,
             .rotation = -128,
             .seed = std::numeric_limits<std::uint64_t>::max(),
             .gamma = 0.7,
             .stream = false,
             .title = "äöü",
             .tags = {"x", "ü"}});
}

TEST(RulesTest, accepts_an_integer_where_a_number_is_asked_for) {
    accepts(with(R"("gamma":2)"), {.image = "a", .width = 1, .gamma = 2.0});
}

TEST(RulesTest, ignores_fields_without_a_rule) {
    accepts(with(R"("colour":{"r":[1]})"), {.image = "a", .width = 1});
}

TEST(RulesTest, asks_for_required_fields) {
    refuses(R"({"width":null})", "required: image is required\nrequired: width is required\n");
}

TEST(RulesTest, asks_for_an_object) {
    for (const std::string_view body : {"[]", "null", "1", "\"{}\"", "true"})
        refuses(body, "type(object): body must be an object\n");
}

TEST(RulesTest, names_the_type_that_a_field_must_have) {
    refuses(R"({"image":1,"width":"1"})",
            "type(string): image must be a string\ntype(integer): width must be an integer\n");
    refuses(with(R"("gamma":"1","stream":0,"tags":"x")"),
            "type(number): gamma must be a number\ntype(boolean): stream must be a boolean\n"
            "type(array): tags must be an array\n");
}

TEST(RulesTest, takes_no_fraction_and_no_boolean_for_an_integer) {
    for (const std::string_view seed : {"5.0", "1e2", "true", "18446744073709551616"})
        refuses(with("\"seed\":" + std::string(seed)), "type(integer): seed must be an integer\n");
}

TEST(RulesTest, tells_the_range_of_integers) {
    refuses(R"({"image":"a","width":0})", "range(1..=4096): width must be at least 1 [0]\n");
    refuses(R"({"image":"a","width":4097})",
            "range(1..=4096): width must be at most 4096 (got 4097) [4097]\n");
    refuses(R"({"image":"a","width":18446744073709551615})",
            "range(1..=4096): width must be at most 4096 (got 18446744073709551615)"
            " [18446744073709551615]\n");
}

TEST(RulesTest, bounds_integers_by_what_the_member_holds) {
    refuses(with(R"("rotation":128)"),
            "range(-128..=127): rotation must be at most 127 (got 128) [128]\n");
    refuses(with(R"("seed":-1)"),
            "range(0..=18446744073709551615): seed must be at least 0 [-1]\n");
}

TEST(RulesTest, tells_the_range_of_numbers_with_the_shortest_value) {
    refuses(with(R"("gamma":-0.1)"),
            "range(0.5..=2.0): gamma must be at least 0.5 (got -0.1) [-0.1]\n");
    refuses(with(R"("gamma":3)"), "range(0.5..=2.0): gamma must be at most 2.0 (got 3) [3]\n");
    refuses(with(R"("gamma":3.0)"), "range(0.5..=2.0): gamma must be at most 2.0 (got 3) [3]\n");
}

TEST(RulesTest, tells_every_limit_that_a_text_breaks_and_never_the_text) {
    refuses(R"({"image":"","width":1})", "non_empty: image must not be empty\n");
    refuses(R"({"image":"abc/d","width":1})",
            "max_length(4): image must be at most 4 characters (got 5)\n"
            "charset(a-c_-): image must have only characters of [a-c_-]\n");
    refuses(R"({"image":"ä","width":1})",
            "charset(a-c_-): image must have only characters of [a-c_-]\n");
}

TEST(RulesTest, counts_characters_as_code_points) {
    refuses(with(R"("title":"")"), "length(1..=3): title must not be empty\n");
    refuses(with(R"("title":"äöüß")"),
            "length(1..=3): title must be at most 3 characters (got 4)\n");
}

TEST(RulesTest, checks_the_count_of_a_list_and_then_its_items) {
    refuses(with(R"("tags":["","xyz",7])"),
            "max_count(2): tags must have at most 2 labels (got 3) [3]\n"
            "non_empty: label 0 must not be empty\n"
            "max_length(2): label 1 must be at most 2 characters (got 3)\n"
            "type(string): label 2 must be a string\n");
}

TEST(RulesTest, tells_violations_in_the_order_of_the_rules) {
    refuses(R"({"tags":[""],"gamma":9,"width":0,"image":""})",
            "non_empty: image must not be empty\n"
            "range(1..=4096): width must be at least 1 [0]\n"
            "range(0.5..=2.0): gamma must be at most 2.0 (got 9) [9]\n"
            "non_empty: label 0 must not be empty\n");
}

TEST(RulesTest, stops_in_a_list_that_would_make_the_reply_huge) {
    const boost::json::array items(100'000, "");
    const auto parsed =
        parse_request(boost::json::value{{"image", "a"}, {"width", 1}, {"tags", items}}, rules);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().size(), violations_max);
}

}  // namespace
}  // namespace worker

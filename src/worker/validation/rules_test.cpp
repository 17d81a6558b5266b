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

// The forms that the modality above has no field for.
struct Odds {
    std::uint32_t count = 0;
    std::uint64_t large = 0;
    std::string mood;
    std::vector<std::string> stop;
    std::vector<std::int32_t> tokens;
    std::map<std::int64_t, double> bias;
    const boost::json::object* options = nullptr;
    const boost::json::array* items = nullptr;
    const boost::json::value* anything = nullptr;
};

const Rules<Odds> odds_rules = {
    optional_field("count", &Odds::count,
                   {.max = 100, .whole_fractions = WholeFractions::accepted}),
    optional_field("large", &Odds::large, {.whole_fractions = WholeFractions::accepted}),
    optional_field("mood", &Odds::mood, {.words = {"low", "high"}}),
    optional_field("stop", &Odds::stop,
                   {.count_max = 2,
                    .noun = "sequences",
                    .item_noun = "sequence",
                    .item = {.non_empty = true},
                    .non_empty = true,
                    .lone_text = LoneText::accepted}),
    optional_field(
        "tokens", &Odds::tokens,
        {.count_max = 3, .noun = "tokens", .item_noun = "token", .item = {.min = 0, .max = 9}}),
    optional_field("bias", &Odds::bias,
                   {.count_max = 2,
                    .noun = "biases",
                    .key_noun = "token",
                    .key = {.min = 0, .max = 9},
                    .value = {.min = -1, .max = 1}}),
    optional_field("options", &Odds::options),
    optional_field("items", &Odds::items, {.non_empty = true}),
    optional_field("anything", &Odds::anything),
};

// "constraint: message [value]" a line; empty where the body is accepted.
std::string odds_violations(std::string_view body) {
    std::string found;
    const auto parsed = parse_request(parse_json(body).value(), odds_rules);
    if (parsed) return found;
    for (const Violation& violation : parsed.error()) {
        found += violation.constraint + ": " + violation.message;
        if (violation.value) found += " [" + *violation.value + "]";
        found += "\n";
    }
    return found;
}

TEST(RulesTest, stores_lists_maps_and_what_has_a_reader_of_its_own) {
    const boost::json::value body =
        parse_json(R"({"count":5.0,"large":9223372036854775808.0,"mood":"high","stop":"x",)"
                   R"("tokens":[0,9],"bias":{"9":0.5,"0":-1},"options":{"a":1},"items":[1],)"
                   R"("anything":true})")
            .value();
    const Odds odds = parse_request(body, odds_rules).value();
    EXPECT_EQ(odds.count, 5u);
    EXPECT_EQ(odds.large, 9223372036854775808u);
    EXPECT_EQ(odds.mood, "high");
    EXPECT_EQ(odds.stop, std::vector<std::string>{"x"});
    EXPECT_EQ(odds.tokens, (std::vector<std::int32_t>{0, 9}));
    EXPECT_EQ(odds.bias, (std::map<std::int64_t, double>{{0, -1}, {9, 0.5}}));
    EXPECT_EQ(odds.options, body.at("options").if_object());
    EXPECT_EQ(odds.items, body.at("items").if_array());
    EXPECT_EQ(odds.anything, &body.at("anything"));
    EXPECT_EQ(odds_violations(R"({"stop":["x","y"],"tokens":[],"bias":{}})"), "");
}

TEST(RulesTest, takes_a_whole_fraction_where_a_rule_says_so) {
    EXPECT_EQ(odds_violations(R"({"count":5.5})"), "type(integer): count must be an integer\n");
    EXPECT_EQ(odds_violations(R"({"count":1e30})"),
              "range(0..=100): count must be at most 100 (got 1e+30) [1e+30]\n");
    EXPECT_EQ(odds_violations(R"({"count":-1e30})"),
              "range(0..=100): count must be at least 0 [-1e+30]\n");
    EXPECT_EQ(odds_violations(R"({"count":-0.0,"large":18446744073709549568.0})"), "");
    EXPECT_EQ(odds_violations(R"({"large":18446744073709551616.0})"),
              "range(0..=18446744073709551615): large must be at most 18446744073709551615 "
              "(got 1.8446744073709552e+19) [1.8446744073709552e+19]\n");
}

TEST(RulesTest, tells_what_is_wrong_in_lists_maps_and_words) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {R"({"mood":"secret"})", "one_of(low,high): mood must be one of low, high\n"},
        {R"({"stop":1})", "type(string|array): stop must be a string or an array of strings\n"},
        {R"({"stop":""})", "non_empty: stop must not be empty\n"},
        {R"({"stop":[]})", "non_empty: stop must not be empty\n"},
        {R"({"tokens":1})", "type(array): tokens must be an array\n"},
        {R"({"tokens":[0,10,0.5,0]})",
         "max_count(3): tokens must have at most 3 tokens (got 4) [4]\n"
         "range(0..=9): token 1 must be at most 9 (got 10) [10]\n"
         "type(integer): token 2 must be an integer\n"},
        {R"({"bias":[]})", "type(object): bias must be an object\n"},
        {R"({"bias":{"1":0,"2":0,"3":2}})",
         "max_count(2): bias must have at most 2 biases (got 3) [3]\n"},
        {R"({"bias":{"3":2}})", "range(-1.0..=1.0): bias.3 must be at most 1.0 (got 2) [2]\n"},
        {R"({"bias":{"10":"x"}})",
         "range(0..=9): token of bias must be at most 9 (got 10) [10]\n"
         "type(number): bias.10 must be a number\n"},
        {R"({"options":[]})", "type(object): options must be an object\n"},
        {R"({"items":{}})", "type(array): items must be an array\n"},
        {R"({"items":[]})", "non_empty: items must not be empty\n"},
    };
    for (const auto& [body, expected] : cases) EXPECT_EQ(odds_violations(body), expected) << body;
}

TEST(RulesTest, keys_of_a_map_are_integers_as_json_writes_them) {
    for (const std::string_view key : {"", "-", "-0", "+1", "01", "-01", "1 ", " 1", "1.0", "1e0",
                                       "x", "99999999999999999999"}) {
        EXPECT_EQ(odds_violations("{\"bias\":{\"" + std::string(key) + "\":0}}"),
                  "type(integer): token of bias must be an integer in decimal\n");
    }
}

TEST(RulesTest, a_field_inside_a_body_is_named_with_its_path) {
    Violations violations;
    const FieldRule rule{"image", Presence::required, Text{}};
    accepted_value({}, rule, violations, "items[0].");
    accepted_value({{"image", 1}}, rule, violations, "items[1].");
    ASSERT_EQ(violations.size(), 2u);
    EXPECT_EQ(violations[0].field, "items[0].image");
    EXPECT_EQ(violations[0].message, "items[0].image is required");
    EXPECT_EQ(violations[1].message, "items[1].image must be a string");
}

}  // namespace
}  // namespace worker

#include "embedding/api/embed_request.h"

#include "worker/base/json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace embedding {
namespace {

tl::expected<EmbedRequest, worker::Violations> parse(const std::string& body,
                                                     const NativeLimits& limits = {}) {
    return worker::parse_request(worker::parse_json(body).value(), embed_rules(limits));
}

// `expected`: "constraint: message" of each violation.
void refuses(const std::string& body, int status, const std::vector<std::string>& expected) {
    const auto parsed = parse(body);
    ASSERT_FALSE(parsed.has_value()) << body;
    EXPECT_EQ(worker::http_status(parsed.error()), status) << body;
    std::vector<std::string> found;
    for (const worker::Violation& each : parsed.error())
        found.push_back(each.constraint + ": " + each.message);
    EXPECT_EQ(found, expected) << body;
}

std::string texts(std::size_t count) {
    std::string list = "\"a\"";
    while (--count > 0) list += ",\"a\"";
    return R"({"input":[)" + list + "]}";
}

TEST(EmbedRequestTest, a_text_counts_as_a_list_of_it) {
    EXPECT_EQ(parse(R"({"input":"ab"})").value().input, std::vector<std::string>{"ab"});
    EXPECT_EQ(parse(R"({"input":["a","b"]})").value().input, (std::vector<std::string>{"a", "b"}));
}

TEST(EmbedRequestTest, fields_arrive_where_they_belong) {
    const EmbedRequest request =
        parse(R"({"input":"a","job_id":"j","stream":false,"priority":-3,"operation":"embed"})")
            .value();
    EXPECT_EQ(request.job_id, "j");
    EXPECT_EQ(request.stream, false);
    EXPECT_EQ(request.priority, -3);
    EXPECT_EQ(request.operation, "embed");
}

TEST(EmbedRequestTest, what_is_not_there_has_the_defaults) {
    const EmbedRequest request =
        parse(R"({"input":"a","job_id":null,"stream":null,"max_tokens":5})").value();
    EXPECT_EQ(request.job_id, std::nullopt);
    EXPECT_EQ(request.stream, std::nullopt);
    EXPECT_EQ(request.priority, 0);
    EXPECT_EQ(request.operation, std::nullopt);
}

TEST(EmbedRequestTest, every_violation_is_told_in_the_order_of_the_rules) {
    refuses(R"({"priority":11,"input":["a",""],"job_id":""})", 400,
            {"non_empty: job_id must not be empty", "length(1..=32768): input 1 must not be empty",
             "range(-10..=10): priority must be at most 10 (got 11)"});
}

TEST(EmbedRequestTest, an_input_has_its_limits) {
    refuses("{}", 422, {"required: input is required"});
    refuses(R"({"input":1})", 422,
            {"type(string|array): input must be a string or an array of strings"});
    refuses(R"({"input":[1]})", 422, {"type(string): input 0 must be a string"});
    refuses(R"({"input":""})", 400, {"length(1..=32768): input must not be empty"});
    refuses(R"({"input":[]})", 400, {"non_empty: input must not be empty"});
    refuses(texts(2049), 400, {"max_count(2048): input must have at most 2048 texts (got 2049)"});
    EXPECT_EQ(parse(texts(2048)).value().input.size(), 2048u);
    const std::string longest(32768, 'a');
    EXPECT_TRUE(parse(R"({"input":")" + longest + "\"}"));
    refuses(R"({"input":["a",")" + longest + "b\"]}", 400,
            {"length(1..=32768): input 1 must be at most 32768 characters (got 32769)"});
}

TEST(EmbedRequestTest, without_a_limit_the_context_decides) {
    const std::string text(100'000, 'a');
    EXPECT_TRUE(parse(R"({"input":")" + text + "\"}", {.input_chars_max = 0}));
    EXPECT_FALSE(parse(R"({"input":""})", {.input_chars_max = 0}));
}

}  // namespace
}  // namespace embedding

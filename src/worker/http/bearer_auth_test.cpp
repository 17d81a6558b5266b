#include "worker/http/bearer_auth.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace worker {
namespace {

struct Case {
    std::vector<std::string> authorization = {};
    Access access = Access::token;
    bool loopback = false;
    BearerAuth::Loopback trust = BearerAuth::Loopback::needs_token;
    std::vector<std::string> tokens = {"s3cret", "n3xt"};
};

// "in", or status and code of the refusal.
std::string outcome(const Case& c) {
    const BearerAuth auth(c.tokens, c.trust);
    Request request;
    for (const std::string& value : c.authorization) request.fields.add("authorization", value);
    request.loopback = c.loopback;
    const Route route{.method = "GET", .pattern = "/", .access = c.access, .handler = {}};
    const auto refusal = auth.refusal(request, route);
    if (!refusal) return "in";
    EXPECT_EQ(refusal->fields.back().first, "www-authenticate");
    EXPECT_EQ(refusal->body.find("s3cret"), std::string::npos);
    EXPECT_TRUE(refusal->body.starts_with(R"({"error":{"code":")")) << refusal->body;
    return std::to_string(refusal->status) + " " + refusal->body.substr(18, 15);
}

void check(const Case& input, const std::string& expected) {
    EXPECT_EQ(outcome(input), expected);
}

TEST(BearerAuthTest, any_of_the_tokens_opens) {
    check({.authorization = {"Bearer s3cret"}}, "in");
    check({.authorization = {"Bearer n3xt"}}, "in");
    check({.authorization = {"Bearer  s3cret "}}, "in");
}
TEST(BearerAuthTest, without_a_token_it_is_missing) {
    check({}, "401 MISSING_API_KEY");
    check({.authorization = {"Bearer  "}}, "401 MISSING_API_KEY");
}
TEST(BearerAuthTest, anything_else_is_invalid) {
    check({.authorization = {"Bearer s3cre"}}, "401 INVALID_API_KEY");
    check({.authorization = {"Bearer s3cret2"}}, "401 INVALID_API_KEY");
    check({.authorization = {"bearer s3cret"}}, "401 INVALID_API_KEY");
    check({.authorization = {"Basic s3cret"}}, "401 INVALID_API_KEY");
    check({.authorization = {"Bearer s3\tcret\x01"}}, "401 INVALID_API_KEY");
    check({.authorization = {"Bearer s3cret", "Bearer s3cret"}}, "401 INVALID_API_KEY");
    check({.authorization = {"Bearer " + std::string(9000, 'a')}}, "401 INVALID_API_KEY");
}
TEST(BearerAuthTest, open_routes_ask_for_nothing) {
    check({.access = Access::open}, "in");
}
TEST(BearerAuthTest, loopback_is_enough_where_it_is_trusted) {
    check({.loopback = true}, "401 MISSING_API_KEY");
    check({.loopback = true, .trust = BearerAuth::Loopback::trusted}, "in");
    check({.access = Access::token_or_loopback, .loopback = true}, "in");
    check({.access = Access::token_or_loopback}, "401 MISSING_API_KEY");
}
TEST(BearerAuthTest, without_tokens_everybody_is_let_in) {
    check({.tokens = {}}, "in");
}

}  // namespace
}  // namespace worker

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
    const auto caller = auth.identify(request, route);
    if (caller) return "in" + (caller->empty() ? "" : " as " + *caller);
    const Response& refusal = caller.error();
    EXPECT_EQ(refusal.body.find("s3cret"), std::string::npos);
    if (refusal.status != 401) return std::to_string(refusal.status) + " " + refusal.body;
    EXPECT_EQ(refusal.fields.back().first, "www-authenticate");
    EXPECT_TRUE(refusal.body.starts_with(R"({"error":{"code":")")) << refusal.body;
    return std::to_string(refusal.status) + " " + refusal.body.substr(18, 15);
}

// SHA-256 of the tokens.
const std::string as_s3cret =
    "in as token:1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0";
const std::string as_n3xt =
    "in as token:49ecf4cb726cc63120eac2b075fcc2adb8c623d8b97ff612b46bae39620d5154";

void check(const Case& input, const std::string& expected) {
    EXPECT_EQ(outcome(input), expected);
}

TEST(BearerAuthTest, any_of_the_tokens_opens) {
    check({.authorization = {"Bearer s3cret"}}, as_s3cret);
    check({.authorization = {"Bearer n3xt"}}, as_n3xt);
    check({.authorization = {"Bearer  s3cret "}}, as_s3cret);
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
TEST(BearerAuthTest, a_token_tells_the_caller_where_none_is_needed) {
    for (const char* shown : {"Bearer s3cret", "Bearer wrong"}) {
        const std::string expected = std::string(shown) == "Bearer wrong" ? "in" : as_s3cret;
        check({.authorization = {shown}, .access = Access::open}, expected);
        check({.authorization = {shown}, .access = Access::token_or_loopback, .loopback = true},
              expected);
        check({.authorization = {shown}, .loopback = true, .trust = BearerAuth::Loopback::trusted},
              expected);
    }
}
TEST(BearerAuthTest, without_tokens_everybody_is_let_in) {
    check({.tokens = {}}, "in");
    check({.authorization = {"Bearer s3cret"}, .tokens = {}}, "in");
}
TEST(BearerAuthTest, without_tokens_some_routes_are_for_loopback_alone) {
    const std::vector<std::string> none;
    check({.access = Access::token_or_loopback, .loopback = true, .tokens = none}, "in");
    check({.access = Access::token_or_loopback, .tokens = none},
          R"(403 {"code":"FORBIDDEN","message":"without a token only this machine itself may ask )"
          R"(for this: call 127.0.0.1 from there, or start the worker with --api-token-file",)"
          R"("retriable":false})");
}

TEST(BearerAuthTest, replaced_tokens_are_no_longer_valid) {
    BearerAuth auth({"s3cret"}, BearerAuth::Loopback::needs_token);
    const Route route{.method = "GET", .pattern = "/", .handler = {}};
    const auto is_valid = [&](const std::string& token) {
        Request request;
        request.fields.add("authorization", "Bearer " + token);
        return auth.identify(request, route).has_value();
    };
    auth.replace({"n3xt", "third"});
    EXPECT_FALSE(is_valid("s3cret"));
    EXPECT_TRUE(is_valid("n3xt"));
    EXPECT_TRUE(is_valid("third"));
    auth.replace({});
    EXPECT_FALSE(is_valid("s3cret"));
    EXPECT_TRUE(is_valid("n3xt"));
}

TEST(BearerAuthTest, a_log_sees_six_digits_of_a_caller) {
    EXPECT_EQ(loggable_caller(as_s3cret.substr(6)), "token:1ec1c2");
    EXPECT_EQ(loggable_caller(""), "");
}

}  // namespace
}  // namespace worker

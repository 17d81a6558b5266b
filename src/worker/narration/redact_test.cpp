#include "worker/narration/redact.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace worker {
namespace {

void check(const std::string& input, const std::string& expected) {
    EXPECT_EQ(redact(input), expected) << "from " << input;
}

TEST(RedactTest, replaces_bearer_tokens) {
    check("Authorization: Bearer abc.def", "Authorization: Bearer [REDACTED]");
    check("bearer  abc sent", "bearer  [REDACTED] sent");
    check(R"({"authorization":"Bearer abc"})", R"({"authorization":"Bearer [REDACTED]"})");
    check("token=Bearer abc", "token=[REDACTED] [REDACTED]");
    check("the bearer", "the bearer");
}

TEST(RedactTest, replaces_values_of_secret_names) {
    check("key=a", "key=[REDACTED]");
    check("API_KEY=a&n=1", "API_KEY=[REDACTED]&n=1");
    check("?token=a,b&x=1", "?token=[REDACTED]&x=1");
    check("client_secret = a b", "client_secret = [REDACTED] b");
    check("password: hunter2", "password: [REDACTED]");
    check("X-Api-Key: abc", "X-Api-Key: [REDACTED]");
    check("token=a token=b", "token=[REDACTED] token=[REDACTED]");
}

TEST(RedactTest, replaces_quoted_values) {
    check(R"({"token":"x","n":1})", R"({"token":"[REDACTED]","n":1})");
    check(R"({"password" : "a b"})", R"({"password" : "[REDACTED]"})");
    check(R"({"password":"a\"b"})", R"({"password":"[REDACTED]"})");
    check(R"({"token":"cut off)", R"({"token":"[REDACTED])");
    check(R"("{\"secret\":\"x\",\"n\":1}")", R"("{\"secret\":\"[REDACTED]\",\"n\":1}")");
    check("{'key': 'x'}", "{'key': '[REDACTED]'}");
    check(R"(token="x y")", R"(token="[REDACTED]")");
}

TEST(RedactTest, replaces_passwords_in_urls) {
    check("http://u:p@h/x", "http://u:[REDACTED]@h/x");
    check("http://u:p@q@h:80", "http://u:[REDACTED]@h:80");
    check("https://ghp_abc@h/x", "https://[REDACTED]@h/x");
    check("http://h:80/a@b", "http://h:80/a@b");
}

TEST(RedactTest, leaves_the_rest) {
    for (const std::string text :
         {"", "loads 30 tokens", "tokens=12", "token:ab12cd", "http://h:8080/v1",
          "key=", "key=\"\"", "a = b: c", "={}:", "://@", "Bearer", "keys: 1"})
        check(text, text);
}

RC_GTEST_PROP(RedactTest, no_token_survives_in_a_known_shape, ()) {
    const auto letter = rc::gen::elementOf(
        std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+"));
    const auto token = "S3" + *rc::gen::container<std::string>(6, letter);
    const auto word = rc::gen::container<std::string>(letter);
    const auto blank = *rc::gen::element<std::string>("", " ");
    const auto name = *rc::gen::element<std::string>("key", "TOKEN", "Secret", "password",
                                                     "api_key", "access-token");
    const std::vector<std::string> shapes{
        "Bearer " + token,
        "bearer\t" + token,
        name + blank + "=" + blank + token,
        name + ": " + token,
        "\"" + name + "\"" + blank + ":" + blank + "\"" + token + "\"",
        "\\\"" + name + "\\\":\\\"" + token + "\\\"",
        "'" + name + "': '" + token + "'",
        "http://user:" + token + "@host/path",
        "http://" + token + "@host/path",
        "http://host/path?a=b&" + name + "=" + token + "&c=d",
    };
    const std::string shape = *rc::gen::elementOf(shapes);
    const std::string text = *word + " " + shape + " " + *word;
    RC_ASSERT(redact(text).find(token) == std::string::npos);
}

RC_GTEST_PROP(RedactTest, any_bytes_are_taken, (const std::string& text)) {
    RC_ASSERT(redact(text).size() <= text.size() * 11 + 11);
}

}  // namespace
}  // namespace worker

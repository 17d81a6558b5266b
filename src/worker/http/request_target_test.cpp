#include "worker/http/request_target.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

struct Expected {
    std::string path;
    std::string query = {};
    std::optional<std::string> authority = std::nullopt;
};

void check(const std::string& text, const Expected& expected) {
    const Result<RequestTarget> target = parse_request_target(text);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(target->path, expected.path) << text;
    EXPECT_EQ(target->query, expected.query) << text;
    EXPECT_EQ(target->authority, expected.authority) << text;
}

void check_refused(const std::string& text) {
    const Result<RequestTarget> target = parse_request_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().code, ErrorCode::bad_request) << text;
}

void check_decoded(const std::string& text, const std::optional<std::string>& expected) {
    EXPECT_EQ(percent_decode(text), expected) << text;
}

TEST(RequestTargetTest, takes_the_origin_form) {
    check("/", {.path = "/"});
    check("/v1/health?a=1?b=2", {.path = "/v1/health", .query = "a=1?b=2"});
    check("/%2F?", {.path = "/%2F"});
    check("//x/../y", {.path = "//x/../y"});
}

TEST(RequestTargetTest, takes_the_absolute_form) {
    check("http://host:1/a?b", {.path = "/a", .query = "b", .authority = "host:1"});
    check("HTTPS://host", {.path = "/", .authority = "host"});
    check("http://host?b", {.path = "/", .query = "b", .authority = "host"});
}

TEST(RequestTargetTest, refuses_every_other_form) {
    for (const char* text : {"", "*", "host:80", "v1/health", "ftp://host/", "http:///a",
                             "http://?a", "/a#b", "/a\x01", "/a b", "/\xc3\xa9", "?a"}) {
        check_refused(text);
    }
}

TEST(RequestTargetTest, decodes_percent_escapes) {
    check_decoded("", "");
    check_decoded("a%2Fb%2fc", "a/b/c");
    check_decoded("%C3%A9", "é");
    check_decoded("%2541", "%41");
    check_decoded("+", "+");
}

TEST(RequestTargetTest, refuses_escapes_that_hide_something) {
    for (const char* text : {"%", "%4", "%4g", "%+4", "% 4", "%%41", "%00", "%0a", "%7F", "%1b",
                             "%ff", "%c3", "%c0%af", "%ed%a0%80"}) {
        check_decoded(text, std::nullopt);
    }
}

}  // namespace
}  // namespace worker

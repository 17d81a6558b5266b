#include "worker/hive/url.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

struct Case {
    std::string text;
    Url::Scheme scheme;
    std::string host;
    std::uint16_t port;
    std::string target;
    std::string authority;
};

constexpr auto http = Url::Scheme::http;
constexpr auto https = Url::Scheme::https;

TEST(UrlTest, takes_a_url_apart_and_leaves_its_target_as_given) {
    const Case cases[] = {
        {"http://h", http, "h", 80, "/", "h"},
        {"https://h", https, "h", 443, "/", "h"},
        {"http://h:80/", http, "h", 80, "/", "h"},
        {"http://h:443/", http, "h", 443, "/", "h:443"},
        {"HTTP://Host.Example:8080/A//b/./c%2f", http, "Host.Example", 8080, "/A//b/./c%2f",
         "Host.Example:8080"},
        {"http://127.0.0.1:65535/v1?x=1&y=:/@", http, "127.0.0.1", 65535, "/v1?x=1&y=:/@",
         "127.0.0.1:65535"},
        {"http://h?x=1", http, "h", 80, "/?x=1", "h"},
        {"http://h/a#b", http, "h", 80, "/a", "h"},
        {"http://h#b/c", http, "h", 80, "/", "h"},
        {"http://[::1]:9200/a", http, "::1", 9200, "/a", "[::1]:9200"},
        {"https://[2001:db8::7]", https, "2001:db8::7", 443, "/", "[2001:db8::7]"},
        {"http://my_hive-1.local:7", http, "my_hive-1.local", 7, "/", "my_hive-1.local:7"},
        {"http://user:pass@word@h:8/a@b", http, "h", 8, "/a@b", "h:8"},
        {"http://user@[::1]/", http, "::1", 80, "/", "[::1]"},
    };
    for (const Case& c : cases) {
        const Result<Url> url = parse_url(c.text);
        ASSERT_TRUE(url) << c.text;
        EXPECT_EQ(url->scheme, c.scheme) << c.text;
        EXPECT_EQ(url->host, c.host) << c.text;
        EXPECT_EQ(url->port, c.port) << c.text;
        EXPECT_EQ(url->target, c.target) << c.text;
        EXPECT_EQ(url->authority(), c.authority) << c.text;
    }
}

TEST(UrlTest, refuses_what_is_none_and_does_not_repeat_it) {
    const std::string cases[] = {
        "",
        "h",
        "http:",
        "http:/h",
        "http://",
        "http:///a",
        "ftp://h/",
        "httpx://h/",
        "//h/",
        "http://h:/",
        "http://h:0/",
        "http://h:65536/",
        "http://h:-1/",
        "http://h:+1/",
        "http://h:80x/",
        "http://h:99999999999999999999/",
        "http://a b/",
        "http://h/a b",
        "http://h/a\r\nX-Evil: 1",
        "http://h\n/",
        std::string("http://h/\0a", 11),
        "http://h/\x7f",
        "http://h/caf\xc3\xa9",
        "http://caf\xc3\xa9/",
        "http://[::1",
        "http://[::1/a",
        "http://[::1]x/",
        "http://[::1]80/",
        "http://[]/",
        "http://[1.2.3.4]/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%1]/",
        "http://::1/",
        "http://a:b:c/",
        "http://h%41/",
        "http://@/",
        "http://secret@/",
        "http://" + std::string(254, 'a') + "/",
        "http://h/" + std::string(url_bytes_max, 'a'),
    };
    for (const std::string& text : cases) {
        const Result<Url> url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, ErrorCode::config_invalid) << text;
        EXPECT_EQ(url.error().message.find("secret"), std::string::npos) << text;
    }
}

TEST(UrlTest, shows_neither_passwords_nor_queries) {
    const Result<Url> url = parse_url("http://user:password@h/a?token=1");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->place(), "h:80");
    EXPECT_EQ(url->shown(), "h:80/a");
}

TEST(UrlTest, a_path_has_no_slash_at_its_end) {
    const std::pair<std::string, std::string> cases[] = {
        {"http://h", ""},         {"http://h/", ""},     {"http://h//", ""},
        {"http://h/q", "/q"},     {"http://h/q/", "/q"}, {"http://h/q/?a=/", "/q"},
        {"http://h/q/r", "/q/r"}, {"http://h?a=/b", ""},
    };
    for (const auto& [text, path] : cases) EXPECT_EQ(parse_url(text)->path(), path) << text;
}

TEST(UrlTest, another_target_keeps_the_place) {
    const Url beat =
        parse_url("https://[::1]:7/v1/workers/ready?a=1")->with_target("/v1/heartbeat");
    EXPECT_EQ(beat.scheme, Url::Scheme::https);
    EXPECT_EQ(beat.shown(), "[::1]:7/v1/heartbeat");
}

}  // namespace
}  // namespace worker

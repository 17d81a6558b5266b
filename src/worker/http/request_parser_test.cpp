#include "worker/http/request_parser.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

constexpr std::size_t body_bytes_max = 10;

// Feeds a whole request, `step` body bytes at a time; answers its body or why there is none.
Result<std::string> body_of(const std::string& head, const std::string& body, std::size_t step) {
    RequestParser parser(body_bytes_max);
    const Result<RequestHead> taken_head = parser.take_head(head);
    if (!taken_head) return fail(taken_head.error());
    std::string input;
    for (std::size_t sent = 0; sent < body.size() && !parser.complete(); sent += step) {
        input += body.substr(sent, step);
        const Result<std::size_t> taken = parser.take_body(input);
        if (!taken) return fail(taken.error());
        input.erase(0, *taken);
    }
    if (!parser.complete()) return fail(ErrorCode::request_timeout, "incomplete");
    return std::move(parser).take();
}

void check_head(const std::string& head, bool accepted) {
    const Result<RequestHead> taken = RequestParser(body_bytes_max).take_head(head);
    EXPECT_EQ(taken.has_value(), accepted) << head;
    if (accepted || taken) return;
    EXPECT_EQ(taken.error().code, ErrorCode::bad_request) << head;
}

const std::string chunked_head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

// The same, however the bytes are cut.
void check_chunks(const std::string& chunks, const std::string& expected) {
    for (std::size_t step = 1; step <= chunks.size(); ++step) {
        const Result<std::string> body = body_of(chunked_head, chunks, step);
        ASSERT_TRUE(body) << chunks << " by " << step << ": " << body.error().message;
        EXPECT_EQ(*body, expected) << chunks << " by " << step;
    }
}

void check_chunks_refused(const std::string& chunks, ErrorCode expected) {
    for (std::size_t step = 1; step <= chunks.size(); ++step) {
        const Result<std::string> body = body_of(chunked_head, chunks, step);
        ASSERT_FALSE(body) << chunks << " by " << step;
        EXPECT_EQ(body.error().code, expected) << chunks << " by " << step;
    }
}

TEST(RequestParserTest, takes_the_parts_of_a_head) {
    RequestParser parser(body_bytes_max);
    const Result<RequestHead> head = parser.take_head(
        "PATCH /a?b HTTP/1.1\r\nHOST: a\r\nX-One:  1 \r\nx-one: 2\r\nConnection: close\r\n\r\n");
    ASSERT_TRUE(head);
    EXPECT_EQ(head->method, "PATCH");
    EXPECT_EQ(head->target, "/a?b");
    EXPECT_FALSE(head->http_1_0);
    EXPECT_FALSE(head->keep_alive);
    EXPECT_EQ(head->fields.find("host"), "a");
    EXPECT_EQ(head->fields.find("x-one"), "1");
    EXPECT_EQ(head->fields.count("x-one"), 2u);
    EXPECT_TRUE(parser.complete());
}

TEST(RequestParserTest, knows_http_1_0) {
    const Result<RequestHead> head =
        RequestParser(body_bytes_max).take_head("GET / HTTP/1.0\r\n\r\n");
    ASSERT_TRUE(head);
    EXPECT_TRUE(head->http_1_0);
}

TEST(RequestParserTest, refuses_a_malformed_head) {
    check_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    check_head("BREW / HTTP/1.1\r\n\r\n", true);
    for (const std::string line : {"GET /", "GET / HTTP/1.2", "GET / HTTP/2.0", "GET / http/1.1",
                                   "GET  / HTTP/1.1", "GET / x HTTP/1.1", "G(T / HTTP/1.1"}) {
        check_head(line + "\r\n\r\n", false);
    }
    for (const std::string field : {"Host : a", "Host", ": a", "Ho st: a", "Host: a\x01",
                                    "Host: a\rX: b", "H\xc3\xb6st: a", "Host: a\x7f"}) {
        check_head("GET / HTTP/1.1\r\n" + field + "\r\n\r\n", false);
    }
    check_head(std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29), false);
}

TEST(RequestParserTest, takes_a_body_of_known_length) {
    const std::string head = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
    for (std::size_t step = 1; step <= 5; ++step) {
        EXPECT_EQ(body_of(head, "hello", step).value_or("none"), "hello");
    }
}

TEST(RequestParserTest, leaves_what_follows_the_body) {
    RequestParser parser(body_bytes_max);
    ASSERT_TRUE(parser.take_head("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n"));
    EXPECT_EQ(parser.take_body("hiGET /"), 2u);
    EXPECT_TRUE(parser.complete());
}

TEST(RequestParserTest, joins_chunks) {
    check_chunks("0\r\n\r\n", "");
    check_chunks("5\r\nhello\r\n0\r\n\r\n", "hello");
    check_chunks("2\r\nhe\r\n003\r\nllo\r\n000\r\n\r\n", "hello");
    check_chunks("a\r\n0123456789\r\n0\r\n\r\n", "0123456789");
    check_chunks("1;name=value;other=\"x\"\r\na\r\n0\r\n\r\n", "a");
}

TEST(RequestParserTest, drops_trailers) {
    check_chunks("1\r\na\r\n0\r\nHost: evil\r\nX-Forwarded-For: 1\r\n\r\n", "a");
}

TEST(RequestParserTest, refuses_malformed_chunks) {
    for (const char* chunks :
         {"x\r\n\r\n", "-1\r\na", "+1\r\na\r\n0\r\n\r\n", "\r\n\r\n\r\n", "1\r\nab\r\n0\r\n\r\n",
          "10000000000000000\r\n", "0x1\r\na\r\n\r\n", "1 1\r\na\r\n0\r\n\r\n"}) {
        check_chunks_refused(chunks, ErrorCode::bad_request);
    }
}

TEST(RequestParserTest, counts_the_bytes_of_all_chunks) {
    check_chunks_refused("b\r\n12", ErrorCode::body_too_large);
    check_chunks_refused("9\r\n123456789\r\n2\r\n", ErrorCode::body_too_large);
    check_chunks_refused("ffffffffffffffff\r\n", ErrorCode::body_too_large);
}

}  // namespace
}  // namespace worker

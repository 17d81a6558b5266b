#include "worker/http/response_head.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

constexpr std::time_t now = 784'111'777;  // RFC 9110's own example of a date

const std::string usual =
    "x-correlation-id: c\r\nx-request-id: c\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

void check(ResponseHead head, const std::string& expected) {
    head.trace.correlation_id = "c";
    EXPECT_EQ(to_wire(head, now), expected);
}

TEST(ResponseHeadTest, says_how_the_body_is_delimited) {
    check({.content_type = "text/plain", .content_length = 3},
          "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n" + usual + "\r\n");
    check({.content_type = "text/plain", .chunked = true},
          "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n" + usual +
              "\r\n");
    check({.status = 204}, "HTTP/1.1 204 No Content\r\n" + usual + "\r\n");
}

TEST(ResponseHeadTest, adds_the_fields_of_this_reply) {
    check({.status = 405, .close = true, .trace = {}, .fields = {{"allow", "GET, HEAD"}}},
          "HTTP/1.1 405 Method Not Allowed\r\n" + usual +
              "allow: GET, HEAD\r\nconnection: close\r\n\r\n");
}

TEST(ResponseHeadTest, returns_the_traceparent) {
    const std::string wire = to_wire({.trace = {.correlation_id = "c", .traceparent = "t"}}, now);
    EXPECT_NE(wire.find("\r\ntraceparent: t\r\n"), wire.npos);
}

TEST(ResponseHeadTest, a_value_cannot_break_out_of_its_line) {
    check({.fields = {{"a", std::string("b\r\nc: d\0", 8)}}},
          "HTTP/1.1 200 OK\r\n" + usual + "a: b  c: d \r\n\r\n");
}

TEST(ResponseHeadTest, a_chunk_states_its_size_in_hexadecimal) {
    EXPECT_EQ(to_chunk("a"), "1\r\na\r\n");
    EXPECT_EQ(to_chunk(std::string(26, 'x')), "1a\r\n" + std::string(26, 'x') + "\r\n");
}

}  // namespace
}  // namespace worker

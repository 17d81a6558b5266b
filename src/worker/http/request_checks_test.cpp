#include "worker/http/request_checks.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

constexpr std::size_t head_bytes_max = 64;

using Field = std::pair<std::string, std::string>;

Fields fields_of(const std::vector<Field>& list) {
    Fields fields;
    for (const auto& [name, value] : list) fields.add(name, value);
    return fields;
}

// The code of a refusal; nothing where the check passed.
template <class T>
std::optional<ErrorCode> refusal(const Result<T>& checked) {
    if (checked) return std::nullopt;
    return checked.error().code;
}

void check_end(const std::string& bytes, std::optional<std::size_t> expected) {
    const auto end = find_head_end(bytes, head_bytes_max);
    ASSERT_TRUE(end) << bytes;
    EXPECT_EQ(*end, expected) << bytes;
}

void check_no_end(const std::string& bytes, ErrorCode expected) {
    EXPECT_EQ(refusal(find_head_end(bytes, head_bytes_max)), expected) << bytes;
}

void check_framing_of(const std::vector<Field>& fields, bool accepted, bool http_1_0 = false) {
    const RequestHead head{
        .method = "POST", .target = "/", .http_1_0 = http_1_0, .fields = fields_of(fields)};
    const std::string seen = testing::PrintToString(fields);
    EXPECT_EQ(refusal(check_framing(head)),
              accepted ? std::nullopt : std::optional(ErrorCode::bad_request))
        << seen;
}

void check_body_of(const std::vector<Field>& fields, std::optional<ErrorCode> expected) {
    const Result<void> checked =
        check_body_head(fields_of(fields), {.json = true, .bytes_max = 100});
    EXPECT_EQ(refusal(checked), expected) << testing::PrintToString(fields);
}

TEST(RequestChecksTest, a_head_ends_with_an_empty_line) {
    check_end("", std::nullopt);
    check_end("GET", std::nullopt);
    check_end("GET / HTTP/1.1\r", std::nullopt);
    check_end("GET / HTTP/1.1\r\nA: b\r\n\r", std::nullopt);
    check_end("GET / HTTP/1.1\r\n\r\n", 18);
    check_end("GET / HTTP/1.1\r\nA: b\r\n\r\nrest\n", 24);
}

TEST(RequestChecksTest, no_head_can_begin_like_this) {
    check_no_end(std::string("\x16\x03\x01", 3), ErrorCode::bad_request);  // TLS
    check_no_end(std::string("\0", 1), ErrorCode::bad_request);
    check_no_end(" GET", ErrorCode::bad_request);
    check_no_end("\n", ErrorCode::bad_request);
    check_no_end("GET / HTTP/1.1\n", ErrorCode::bad_request);
    check_no_end("GET / HTTP/1.1\r\n\n", ErrorCode::bad_request);
    check_no_end("GET / HTTP/1.1\r\nA: b\r\n c\r\n", ErrorCode::bad_request);
    check_no_end("GET / HTTP/1.1\r\nA: b\r\n\tc\r\n", ErrorCode::bad_request);
}

TEST(RequestChecksTest, a_head_has_a_largest_size) {
    const std::string line = "GET / HTTP/1.1\r\n";
    const std::string fits = line + "A: " + std::string(head_bytes_max - 23, 'x') + "\r\n\r\n";
    check_end(fits, head_bytes_max);
    check_no_end("G" + fits, ErrorCode::headers_too_large);
    check_no_end(std::string(head_bytes_max + 1, 'x'), ErrorCode::headers_too_large);
    check_end(std::string(head_bytes_max, 'x'), std::nullopt);
}

TEST(RequestChecksTest, takes_one_way_to_tell_where_the_body_ends) {
    check_framing_of({{"host", "a"}}, true);
    check_framing_of({{"host", "a"}, {"content-length", "0"}}, true);
    check_framing_of({{"host", "a"}, {"content-length", "18446744073709551615"}}, true);
    check_framing_of({{"host", "a"}, {"transfer-encoding", "chunked"}}, true);
    check_framing_of({{"host", "a"}, {"transfer-encoding", "Chunked"}}, true);
}

TEST(RequestChecksTest, refuses_what_two_readers_may_read_differently) {
    const std::vector<std::vector<Field>> shapes = {
        {{"transfer-encoding", "xchunked"}},
        {{"transfer-encoding", "chunked, identity"}},
        {{"transfer-encoding", "identity, chunked"}},
        {{"transfer-encoding", "gzip, chunked"}},
        {{"transfer-encoding", "chunked;q=1"}},
        {{"transfer-encoding", "identity"}},
        {{"transfer-encoding", ""}},
        {{"transfer-encoding", "chunked"}, {"transfer-encoding", "chunked"}},
        {{"transfer-encoding", "chunked"}, {"content-length", "4"}},
        {{"content-length", "4"}, {"transfer-encoding", "chunked"}},
        {{"content-length", "4"}, {"content-length", "4"}},
        {{"content-length", "4"}, {"content-length", "5"}},
        {{"content-length", "4, 4"}},
        {{"content-length", "4,"}},
        {{"content-length", ""}},
        {{"content-length", "+4"}},
        {{"content-length", "-4"}},
        {{"content-length", "0x4"}},
        {{"content-length", "4 4"}},
        {{"content-length", "4.0"}},
        {{"content-length", "18446744073709551616"}},
    };
    for (std::vector<Field> shape : shapes) {
        shape.emplace_back("host", "a");
        check_framing_of(shape, false);
    }
}

TEST(RequestChecksTest, there_is_one_well_formed_host) {
    check_framing_of({}, false);
    check_framing_of({{"host", "a"}, {"host", "a"}}, false);
    check_framing_of({{"host", ""}}, true);
    check_framing_of({{"host", "[::1]:8080"}}, true);
    check_framing_of({{"host", "a b"}}, false);
    check_framing_of({{"host", "a/b"}}, false);
    check_framing_of({{"host", "user@a"}}, false);
    check_framing_of({{"host", "a,b"}}, false);
    check_framing_of({{"host", "a\xff"}}, false);
}

TEST(RequestChecksTest, http_1_0_needs_no_host_and_has_no_chunks) {
    check_framing_of({}, true, true);
    check_framing_of({{"host", "a"}, {"host", "b"}}, false, true);
    check_framing_of({{"transfer-encoding", "chunked"}}, false, true);
}

TEST(RequestChecksTest, a_body_is_announced) {
    EXPECT_FALSE(has_body(fields_of({})));
    EXPECT_FALSE(has_body(fields_of({{"content-length", "0"}})));
    EXPECT_TRUE(has_body(fields_of({{"content-length", "1"}})));
    EXPECT_TRUE(has_body(fields_of({{"transfer-encoding", "chunked"}})));
}

TEST(RequestChecksTest, meets_one_expectation) {
    EXPECT_EQ(expects_continue(fields_of({})), false);
    EXPECT_EQ(expects_continue(fields_of({{"expect", "100-Continue"}})), true);
    for (const char* other : {"", "200-ok", "100-continue, x"}) {
        EXPECT_EQ(refusal(expects_continue(fields_of({{"expect", other}}))),
                  ErrorCode::expectation_failed);
    }
}

TEST(RequestChecksTest, a_json_body_says_so_and_fits) {
    const Field json = {"content-type", "application/json"};
    check_body_of({json}, std::nullopt);
    check_body_of({{"content-type", "Application/JSON ; charset=utf-8"}}, std::nullopt);
    check_body_of({json, {"content-encoding", "Identity"}}, std::nullopt);
    check_body_of({json, {"content-length", "100"}}, std::nullopt);

    check_body_of({}, ErrorCode::unsupported_media_type);
    check_body_of({{"content-type", "text/plain"}}, ErrorCode::unsupported_media_type);
    check_body_of({{"content-type", "application/jsonp"}}, ErrorCode::unsupported_media_type);
    check_body_of({json, {"content-encoding", "gzip"}}, ErrorCode::unsupported_media_type);
    check_body_of({json, {"content-encoding", "identity"}, {"content-encoding", "br"}},
                  ErrorCode::unsupported_media_type);
    check_body_of({json, {"content-length", "101"}}, ErrorCode::body_too_large);
}

}  // namespace
}  // namespace worker

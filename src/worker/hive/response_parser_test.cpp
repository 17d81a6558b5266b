#include "worker/hive/response_parser.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using Progress = ResponseParser::Progress;

// What the parser makes of `reply` when it comes `step` bytes at a time, up to where it has enough.
struct Outcome {
    std::string verdict;  // "complete", "wants_more", or the error
    unsigned status = 0;  // 0: none yet
    std::string body = {};

    bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    return out << outcome.verdict << ' ' << outcome.status << " [" << outcome.body << ']';
}

Outcome outcome_of(const std::string& reply, std::size_t step) {
    ResponseParser parser;
    Outcome outcome{.verdict = "wants_more"};
    for (std::size_t at = 0; at < reply.size() && outcome.verdict == "wants_more"; at += step) {
        const Result<Progress> progress = parser.take(std::string_view(reply).substr(at, step));
        if (!progress) return {progress.error().message};
        if (*progress == Progress::complete) outcome.verdict = "complete";
    }
    if (const auto answer = parser.answer()) {
        outcome.status = answer->status;
        outcome.body = answer->body;
    }
    return outcome;
}

void check(const std::string& reply, const Outcome& expected) {
    for (const std::size_t step : {reply.size(), std::size_t{1}, std::size_t{7}}) {
        EXPECT_EQ(outcome_of(reply, step), expected) << step << " bytes at a time: " << reply;
    }
}

TEST(ResponseParserTest, reads_replies_of_every_delimitation) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    check(ok + "Content-Length: 2\r\n\r\nhi", {"complete", 200, "hi"});
    check(ok + "Content-Length: 0\r\n\r\n", {"complete", 200});
    check(ok + "Content-Length: 9\r\n\r\nhi", {"wants_more", 200, "hi"});
    check(ok + "\r\nuntil it closes", {"wants_more", 200, "until it closes"});
    check("HTTP/1.0 404 Not Found\r\n\r\nno", {"wants_more", 404, "no"});
    check("HTTP/1.1 204 No Content\r\n\r\n", {"complete", 204});
    check("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", {"complete", 304});
    const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
    check(chunked + "0\r\n\r\n", {"complete", 200});
    check(chunked + "2\r\nhi\r\n6;a=b\r\n there\r\n0\r\n\r\n", {"complete", 200, "hi there"});
    check(chunked + "2\r\nhi\r\n0\r\nTrailer: 1\r\n\r\n", {"complete", 200, "hi"});
    check(chunked + "2\r\nhi", {"wants_more", 200, "hi"});
}

TEST(ResponseParserTest, skips_replies_of_promise) {
    check("HTTP/1.1 100 Continue\r\n\r\n", {"wants_more"});
    check(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
        "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
        {"complete", 201, "x"});
    std::string endless;
    for (int i = 0; i < 20; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
    check(endless, {"it promises a reply again and again"});
}

TEST(ResponseParserTest, a_status_counts_whatever_becomes_of_the_body) {
    const std::string chunked = "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(chunked + "nonsense\r\n", {"complete", 503});
    check(chunked + "2\r\nhiXX", {"wants_more", 503, "hi"});
    check(chunked + "2\r\nhiXX3\r\n", {"complete", 503, "hi"});
    check("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nhi",
          {"wants_more", 200, "hi"});
    check(chunked + "ffffffffffffffff\r\n", {"wants_more", 503});
}

TEST(ResponseParserTest, keeps_the_beginning_of_a_body_and_stops_after_enough_of_it) {
    const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
    const std::string kept(HttpAnswer::body_bytes_max, 'a');
    check(head + std::string(ResponseParser::body_bytes_max, 'a'), {"wants_more", 200, kept});
    EXPECT_EQ(outcome_of(head + std::string(ResponseParser::body_bytes_max + 4096, 'a'), 4096),
              (Outcome{"complete", 200, kept}));
}

TEST(ResponseParserTest, refuses_what_is_no_reply) {
    const std::string endless_line = "HTTP/1.1 200 " + std::string(9000, 'a');
    std::string endless_fields = "HTTP/1.1 200 OK\r\n";
    while (endless_fields.size() < 9000) endless_fields += "A: b\r\n";
    const std::string cases[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        std::string("\0\0\0\0\0\0\0\0", 8),
        "\x16\x03\x01\x02\x05\x01",
        endless_line,
        endless_fields,
    };
    for (const std::string& reply : cases) {
        for (const std::size_t step : {reply.size(), std::size_t{1}}) {
            const Outcome outcome = outcome_of(reply, step);
            EXPECT_EQ(outcome.verdict.find("its reply is no HTTP"), 0u)
                << outcome << ": " << reply.substr(0, 60) << ' ' << step;
        }
    }
}

}  // namespace
}  // namespace worker

// The protocol, as bytes on real sockets. What a server does when clients misbehave in time or
// number is in server_limits_test.cpp.
#include "worker/http/server.h"

#include "tests/support/http_client.h"
#include "tests/support/test_server.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <stdexcept>

namespace worker {
namespace {

using boost::asio::awaitable;

constexpr std::size_t body_bytes_max = 1u << 20;

awaitable<void> echo(Request& request, ReplyWriter& reply) {
    reply.send({.content_type = "text/plain", .body = "[" + request.body + "]"});
    co_return;
}

awaitable<void> echo_later(Request& request, ReplyWriter& reply) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::chrono::milliseconds(20));
    co_await timer.async_wait(boost::asio::use_awaitable);
    reply.send({.content_type = "text/plain", .body = "later " + request.params["word"]});
}

awaitable<void> no_content(Request&, ReplyWriter& reply) {
    reply.send({.status = 204});
    co_return;
}

awaitable<void> count_to_two(Request&, ReplyWriter& reply) {
    const std::vector<std::pair<std::string, std::string>> fields = {{"x-extra", "1"}};
    const bool begun = co_await reply.begin_stream(fields);
    if (!begun) co_return;
    co_await reply.write("data: 1\n\n");
    co_await reply.write("");
    co_await reply.write("data: 2\n\n");
}

awaitable<void> throw_at_once(Request&, ReplyWriter&) {
    throw std::runtime_error("broken on purpose");
    co_return;
}

awaitable<void> throw_in_stream(Request&, ReplyWriter& reply) {
    co_await reply.begin_stream({});
    co_await reply.write("data: 1\n\n");
    throw std::runtime_error("broken on purpose");
}

awaitable<void> forget_the_reply(Request&, ReplyWriter&) {
    co_return;
}

Router sample_router() {
    Router router;
    const auto add = [&](const char* method, const char* pattern, Handler handler) {
        router.add({.method = method, .pattern = pattern, .handler = std::move(handler)});
    };
    add("GET", "/echo", echo);
    add("POST", "/echo", echo);
    add("GET", "/later/{word}", echo_later);
    add("DELETE", "/echo", no_content);
    add("GET", "/stream", count_to_two);
    add("GET", "/throw", throw_at_once);
    add("GET", "/throw-in-stream", throw_in_stream);
    add("GET", "/forget", forget_the_reply);
    router.add({.method = "POST", .pattern = "/json", .handler = echo, .json_body = true});
    return router;
}

// Puts `value` in place of the rest of every line that begins with `name`.
std::string with_value(std::string text, const std::string& name, const std::string& value) {
    std::size_t at = text.find(name);
    while (at != text.npos) {
        const std::size_t begin = at + name.size();
        text.replace(begin, text.find("\r\n", begin) - begin, value);
        at = text.find(name, begin);
    }
    return text;
}

// Ids and dates differ from run to run.
std::string normalised(std::string text) {
    text = with_value(std::move(text), "\r\nx-correlation-id: ", "<id>");
    text = with_value(std::move(text), "\r\nx-request-id: ", "<id>");
    return with_value(std::move(text), "\r\ndate: ", "<date>");
}

const std::string usual = "x-correlation-id: <id>\r\nx-request-id: <id>\r\ndate: <date>\r\n";

class ServerTest : public testing::Test {
protected:
    // All that comes back for `sent`, until the server closes.
    void check(const std::string& sent, const std::string& expected) {
        HttpClient client(server_.port());
        client.send(sent);
        EXPECT_EQ(normalised(client.read_all()), expected) << sent;
    }

    // One WorkerError, after which the server closes.
    void check_refused(const std::string& sent, int status, const std::string& code) {
        HttpClient client(server_.port());
        client.try_send(sent);
        const HttpReply reply = client.read_reply();
        EXPECT_EQ(reply.status, status) << sent;
        EXPECT_EQ(reply.field("connection"), "close") << sent;
        EXPECT_NE(reply.field("x-correlation-id"), "") << sent;
        EXPECT_NE(reply.body.find("\"code\":\"" + code + "\""), std::string::npos) << reply.body;
        EXPECT_EQ(client.read_all(), "") << sent;
    }

    TestServer server_{sample_router(), {.body_bytes = body_bytes_max}};
};

TEST_F(ServerTest, answers_a_get_and_closes_when_asked_to) {
    check("GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
          "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n" + usual +
              "connection: close\r\n\r\n[]");
}

TEST_F(ServerTest, answers_head_as_get_without_the_body) {
    check("HEAD /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
          "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n" + usual +
              "connection: close\r\n\r\n");
}

TEST_F(ServerTest, streams_in_chunks) {
    check("GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n" +
              usual +
              "x-extra: 1\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n"
              "connection: close\r\n\r\n"
              "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n");
}

TEST_F(ServerTest, head_of_a_stream_ends_with_its_head) {
    check("HEAD /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n" +
              usual +
              "x-extra: 1\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n"
              "connection: close\r\n\r\n");
}

TEST_F(ServerTest, http_1_0_gets_bodies_that_the_close_ends) {
    check("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
          "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n" + usual +
              "connection: close\r\n\r\n[]");
    check("GET /stream HTTP/1.0\r\n\r\n",
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" + usual +
              "x-extra: 1\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n"
              "connection: close\r\n\r\n"
              "data: 1\n\ndata: 2\n\n");
}

TEST_F(ServerTest, no_content_has_neither_body_nor_length) {
    check("DELETE /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
          "HTTP/1.1 204 No Content\r\n" + usual + "connection: close\r\n\r\n");
}

TEST_F(ServerTest, says_100_to_a_client_that_waits_for_it) {
    HttpClient client(server_.port());
    client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
        "Expect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    EXPECT_EQ(client.read_reply().body, "[hi]");
}

TEST_F(ServerTest, refuses_a_client_that_waits_for_100_without_one) {
    check_refused(
        "POST /json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
        "Expect: 100-continue\r\n\r\n",
        415, "UNSUPPORTED_MEDIA_TYPE");
}

TEST_F(ServerTest, serves_one_request_after_the_other) {
    HttpClient client(server_.port());
    for (const std::string body : {"", "a", "bc"}) {
        client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body);
        EXPECT_EQ(client.read_reply().body, "[" + body + "]");
    }
    client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_reply().body, "data: 1\n\ndata: 2\n\n");
    client.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_reply().status, 404);
    client.send("HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_reply_to_head().status, 200);
    client.send("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_reply().body, "[]");
}

TEST_F(ServerTest, answers_pipelined_requests_in_order) {
    HttpClient client(server_.port());
    client.send(
        "GET /later/one HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\ntwo"
        "\r\n\r\nGET /later/three HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_reply().body, "later one");
    EXPECT_EQ(client.read_reply().body, "[two]");
    EXPECT_EQ(client.read_reply().body, "later three");
}

TEST_F(ServerTest, loses_nothing_of_what_comes_while_a_handler_runs) {
    HttpClient client(server_.port());
    const std::string body(100'000, 'x');
    client.send("GET /later/one HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + body);
    EXPECT_EQ(client.read_reply().body, "later one");
    EXPECT_EQ(client.read_reply().body, "[" + body + "]");
}

TEST_F(ServerTest, takes_a_body_in_chunks) {
    HttpClient client(server_.port());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("3\r\nabc\r\n");
    client.send("1\r\nd\r\n0\r\n\r\n");
    EXPECT_EQ(client.read_reply().body, "[abcd]");
}

TEST_F(ServerTest, ignores_empty_lines_before_a_request) {
    HttpClient client(server_.port());
    client.send("\r\n\r");
    client.send("\n\r\nGET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_reply().status, 200);
}

TEST_F(ServerTest, serves_a_client_that_has_ended_its_sending) {
    HttpClient client(server_.port());
    client.send("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.end_sending();
    EXPECT_EQ(client.read_reply().body, "[]");
}

TEST_F(ServerTest, keeps_the_callers_correlation_id_on_every_reply) {
    const std::string id = "6f1e1c1e-8f0a-4c57-9b0c-0123456789ab";
    for (const char* path : {"/echo", "/stream", "/nowhere", "/throw"}) {
        HttpClient client(server_.port());
        client.send("GET " + std::string(path) +
                    " HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: " + id + "\r\n\r\n");
        const HttpReply reply = client.read_reply();
        EXPECT_EQ(reply.field("x-correlation-id"), id) << path;
        EXPECT_EQ(reply.field("x-request-id"), id) << path;
    }
}

TEST_F(ServerTest, refuses_what_two_readers_may_read_differently) {
    const std::string line = "POST /echo HTTP/1.1\r\n";
    const std::string host = "Host: localhost\r\n";
    const std::string tail = "\r\n4\r\nabcd\r\n0\r\n\r\nGET /echo HTTP/1.1\r\n\r\n";
    const std::vector<std::string> field_lists = {
        host + "Transfer-Encoding: xchunked\r\n",
        host + "Transfer-Encoding: chunked, identity\r\n",
        host + "Transfer-Encoding: identity, chunked\r\n",
        host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        host + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        host + "Transfer-Encoding : chunked\r\n",
        host + "Content-Length: 4, 4\r\n",
        host + "Content-Length: 4\r\nContent-Length: 4\r\n",
        host + "Content-Length: 4\r\nContent-Length: 9\r\n",
        host + "Content-Length: +4\r\n",
        host + "Content-Length: 0x4\r\n",
        host + "X: a\r\n b\r\n",
        host + "X: a\r\n\tb\r\n",
        host + "X: a\nY: b\r\n",
        host + "X: a\rY: b\r\n",
        host + "X: a\x01\r\n",
        host + "X\r\n",
        host + host,
        host + "Host: other\r\n",
        "",
    };
    for (const std::string& fields : field_lists) {
        check_refused(line + fields + tail, 400, "INVALID_REQUEST");
    }
    check_refused("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + tail, 400,
                  "INVALID_REQUEST");
}

TEST_F(ServerTest, refuses_what_is_no_request) {
    check_refused(std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), 400, "INVALID_REQUEST");
    check_refused("GET / HTTP/2.0\r\n\r\n", 400, "INVALID_REQUEST");
    check_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "INVALID_REQUEST");
    check_refused("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "INVALID_REQUEST");
    check_refused("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 400, "INVALID_REQUEST");
    check_refused(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
        400, "INVALID_REQUEST");
}

TEST_F(ServerTest, answers_from_the_head_before_the_body_has_come) {
    const std::string pending = "Host: localhost\r\nContent-Length: 9\r\n\r\n";
    check_refused("POST /nowhere HTTP/1.1\r\n" + pending, 404, "NOT_FOUND");
    check_refused("PUT /echo HTTP/1.1\r\n" + pending, 405, "METHOD_NOT_ALLOWED");
    check_refused("POST /json HTTP/1.1\r\n" + pending, 415, "UNSUPPORTED_MEDIA_TYPE");
    check_refused("POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\n" + pending, 415,
                  "UNSUPPORTED_MEDIA_TYPE");
    check_refused("POST /echo HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n", 403,
                  "FORBIDDEN");
    check_refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n", 413,
                  "BODY_TOO_LARGE");
}

TEST_F(ServerTest, says_which_methods_a_path_takes) {
    HttpClient client(server_.port());
    client.send("PUT /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_reply().field("allow"), "DELETE, GET, HEAD, POST");
}

TEST_F(ServerTest, a_client_that_sends_on_reads_why_its_body_is_too_large) {
    const std::string body(8 * body_bytes_max, 'x');
    check_refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body,
                  413, "BODY_TOO_LARGE");
    check_refused(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "800000\r\n" +
            body + "\r\n0\r\n\r\n",
        413, "BODY_TOO_LARGE");
}

TEST_F(ServerTest, refuses_heads_without_end) {
    const std::string line = "GET /echo HTTP/1.1\r\nHost: localhost\r\nX: ";
    check_refused(line + std::string(20'000, 'x'), 431, "HEADERS_TOO_LARGE");
    check_refused(std::string(20'000, 'G'), 431, "HEADERS_TOO_LARGE");
    check_refused(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\nX: " +
            std::string(20'000, 'x'),
        400, "INVALID_REQUEST");
}

TEST_F(ServerTest, a_handler_that_fails_is_a_500_and_a_line_in_the_log) {
    check_refused("GET /throw HTTP/1.1\r\nHost: localhost\r\n\r\n", 500, "INTERNAL");
    check_refused("GET /forget HTTP/1.1\r\nHost: localhost\r\n\r\n", 500, "INTERNAL");
    EXPECT_NE(server_.log().find("broken on purpose"), std::string::npos);
    EXPECT_NE(server_.log().find("the route gave no reply"), std::string::npos);
}

TEST_F(ServerTest, a_stream_that_fails_has_no_end) {
    HttpClient client(server_.port());
    client.send("GET /throw-in-stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_until("\r\n\r\n");
    EXPECT_EQ(client.read_all(), "9\r\ndata: 1\n\n\r\n");
}

}  // namespace
}  // namespace worker

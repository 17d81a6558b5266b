// One call against peers that do everything wrong. What replies may look like is in
// response_parser_test.cpp, https in https_post_test.cpp.
#include "worker/hive/http_post.h"

#include "tests/support/scripted_peer.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>

namespace worker {
namespace {

using namespace std::chrono_literals;
using Then = ScriptedPeer::Then;

constexpr const char* correlation_id = "01234567-89ab-4cde-8f01-23456789abcd";
const std::string no_content = "HTTP/1.1 204 No Content\r\n\r\n";

// Long enough for everything but a peer that never comes to an end.
constexpr auto patience = 20s;
constexpr auto impatience = 50ms;
// Long enough for the head of a reply, where it is the body that has no end.
constexpr auto some_patience = 400ms;

class HttpPostTest : public testing::Test {
protected:
    PostRequest request_to(const std::string& url, std::chrono::milliseconds timeout = patience) {
        return {.url = parse_url(url).value(),
                .body =
                    [](const boost::asio::ip::address& local) {
                        return R"({"local":")" + local.to_string() + "\"}";
                    },
                .correlation_id = correlation_id,
                .timeout = timeout};
    }

    void start(PostRequest request) {
        call = std::make_shared<HttpPost>(parts, std::move(request));
        boost::asio::co_spawn(io, call->run(), [this](std::exception_ptr, auto answer) {
            result.emplace(std::move(answer));
        });
    }

    Result<HttpAnswer> post(PostRequest request) {
        start(std::move(request));
        io.restart();
        io.run();
        return *result;
    }

    // The peer's first reply brings `code`, in a sentence with `reason`.
    void check_failure(ScriptedPeer::Reply reply, std::chrono::milliseconds timeout, ErrorCode code,
                       const std::string& reason) {
        ScriptedPeer peer({reply});
        const Result<HttpAnswer> answer = post(request_to(peer.url(), timeout));
        ASSERT_FALSE(answer) << reply.bytes;
        EXPECT_EQ(answer.error().code, code) << reply.bytes;
        const std::string expected = "127.0.0.1:" + std::to_string(peer.port()) + ": " + reason;
        EXPECT_EQ(answer.error().message.substr(0, expected.size()), expected);
    }

    void check_status(ScriptedPeer::Reply reply, unsigned status,
                      std::chrono::milliseconds timeout = patience) {
        ScriptedPeer peer({reply});
        const Result<HttpAnswer> answer = post(request_to(peer.url(), timeout));
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->status, status) << reply.bytes;
    }

    boost::asio::io_context io{1};
    PostParts parts{.executor = io.get_executor(), .program = "llm-worker-rbee/1.2.3"};
    std::shared_ptr<HttpPost> call;
    std::optional<Result<HttpAnswer>> result;
};

TEST_F(HttpPostTest, sends_head_and_body_in_one_piece) {
    ScriptedPeer peer({{no_content}});
    PostRequest request = request_to(peer.url("/v1/workers/ready?a=b"));
    request.bearer = "hunter2";
    EXPECT_TRUE(post(std::move(request)));
    ASSERT_EQ(peer.received().size(), 1u);
    EXPECT_EQ(peer.received()[0].receives, 1);
    EXPECT_EQ(peer.received()[0].bytes,
              "POST /v1/workers/ready?a=b HTTP/1.1\r\n"
              "Host: 127.0.0.1:" +
                  std::to_string(peer.port()) +
                  "\r\n"
                  "User-Agent: llm-worker-rbee/1.2.3\r\n"
                  "Content-Type: application/json\r\n"
                  "Content-Length: 21\r\n"
                  "X-Correlation-ID: 01234567-89ab-4cde-8f01-23456789abcd\r\n"
                  "Connection: close\r\n"
                  "Authorization: Bearer hunter2\r\n"
                  "\r\n"
                  R"({"local":"127.0.0.1"})");
}

TEST_F(HttpPostTest, sends_neither_token_nor_password_unasked_and_makes_up_an_id) {
    ScriptedPeer peer({{no_content}});
    PostRequest request =
        request_to("http://user:pass@127.0.0.1:" + std::to_string(peer.port()) + "/");
    request.correlation_id.clear();
    EXPECT_TRUE(post(std::move(request)));
    const std::string sent = peer.received().at(0).bytes;
    EXPECT_EQ(sent.find("Authorization"), sent.npos);
    EXPECT_EQ(sent.find("pass"), sent.npos);
    EXPECT_EQ(call->correlation_id().size(), 36u);
    EXPECT_NE(sent.find("X-Correlation-ID: " + call->correlation_id() + "\r\n"), sent.npos);
}

TEST_F(HttpPostTest, reads_the_reply_however_it_ends) {
    check_status({no_content, Then::stay}, 204);
    check_status({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Then::stay}, 200);
    check_status({"HTTP/1.0 200 OK\r\n\r\nuntil it closes"}, 200);
    check_status({"HTTP/1.0 200 OK\r\n\r\n", Then::half_close}, 200);
    check_status({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"}, 200);
    check_status({"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n", Then::reset}, 500);
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check_status({chunked + "2\r\nok\r\n0\r\n\r\n", Then::stay}, 200);
    check_status({chunked + "2\r\nok", Then::close}, 200);
}

TEST_F(HttpPostTest, a_body_without_end_is_cut_and_a_slow_one_not_waited_for) {
    check_status({"HTTP/1.1 200 OK\r\n\r\n", Then::go_on, std::string(1000, 'a')}, 200);
    check_status({"HTTP/1.1 200 OK\r\n\r\n", Then::trickle, "a"}, 200, some_patience);
    check_status({"HTTP/1.1 200 OK\r\n\r\n", Then::stay}, 200, some_patience);
}

TEST_F(HttpPostTest, gives_up_in_time_on_peers_that_do_not) {
    const std::string reason = "no reply within 50 ms";
    check_failure({"", Then::stay}, impatience, ErrorCode::timeout, reason);
    check_failure({"", Then::trickle, "HTTP/1.1 200 OK\r\nA: b\r\n"}, impatience,
                  ErrorCode::timeout, reason);
    check_failure({"HTTP/1.1 200 OK\r\n", Then::stay}, impatience, ErrorCode::timeout, reason);
}

TEST_F(HttpPostTest, says_what_a_peer_did_instead_of_replying) {
    const auto unreachable = ErrorCode::hive_unreachable;
    const std::string closed = "it closed the connection before it replied";
    const std::string no_reply = "its reply is no HTTP that this worker reads";
    check_failure({"", Then::close}, patience, unreachable, closed);
    check_failure({"HTTP/1.1 200 OK\r\n", Then::close}, patience, unreachable, closed);
    check_failure({"", Then::half_close}, patience, unreachable, closed);
    check_failure({"", Then::reset}, patience, unreachable,
                  "Connection reset by peer (waiting for the reply)");
    check_failure({"SSH-2.0-OpenSSH\r\n", Then::stay}, patience, unreachable, no_reply);
    check_failure({"HTTP/1.1 200 OK\r\n", Then::go_on, "A: b\r\n"}, patience, unreachable,
                  no_reply);
    check_failure({"HTTP/1.1 200 OK\r\nA: ", Then::go_on, std::string(999, 'a')}, patience,
                  unreachable, no_reply);
    check_failure({"", Then::go_on, "HTTP/1.1 100 Continue\r\n\r\n"}, patience, unreachable,
                  "it promises a reply again and again");
}

TEST_F(HttpPostTest, says_that_nobody_listens) {
    std::uint16_t port = 0;
    {
        ScriptedPeer peer({{no_content}});
        port = peer.port();
    }
    const Result<HttpAnswer> answer =
        post(request_to("http://user:pass@localhost:" + std::to_string(port) + "/"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::hive_unreachable);
    EXPECT_EQ(answer.error().message.find("localhost:" + std::to_string(port) + ": "), 0u);
    EXPECT_EQ(answer.error().message.find("pass"), std::string::npos);
}

TEST_F(HttpPostTest, tries_the_addresses_of_a_name_in_turn) {
    ScriptedPeer peer({{no_content}}, ScriptedPeer::Family::ipv6);
    if (!peer.listening()) GTEST_SKIP() << "this machine has no IPv6";
    const std::string port = std::to_string(peer.port());
    EXPECT_TRUE(post(request_to("http://localhost:" + port + "/")));
    EXPECT_TRUE(post(request_to("http://[::1]:" + port + "/")));
    EXPECT_NE(peer.received().at(1).bytes.find("Host: [::1]:" + port + "\r\n"), std::string::npos);
}

TEST_F(HttpPostTest, looks_names_up_beside_the_thread) {
    ScriptedPeer peer({{no_content}});
    // Not an address in Asio's eyes; getaddrinfo expands it without asking a server.
    EXPECT_TRUE(post(request_to("http://127.1:" + std::to_string(peer.port()) + "/")));

    const Result<HttpAnswer> answer = post(request_to("http://a..b/"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message.find("a..b:80: its name cannot be looked up: "), 0u);
}

TEST_F(HttpPostTest, starts_no_more_look_ups_than_it_may) {
    *parts.lookups = NameLookup::running_max;
    const Result<HttpAnswer> answer = post(request_to("http://127.1/"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message,
              "127.1:80: its name cannot be looked up: too many look-ups have not ended yet");
}

TEST_F(HttpPostTest, a_look_up_outlives_everything_else) {
    const std::shared_ptr<NameLookup::Running> running = parts.lookups;
    {
        boost::asio::io_context short_lived{1};
        const PostParts their_parts{
            .executor = short_lived.get_executor(), .program = "p", .lookups = running};
        const auto short_call =
            std::make_shared<HttpPost>(their_parts, request_to("http://127.1/"));
        boost::asio::co_spawn(short_lived, short_call->run(), [](std::exception_ptr, auto) {});
        short_lived.run_one();
    }
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (*running != 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(*running, 0);
}

TEST_F(HttpPostTest, is_cut_at_any_time) {
    ScriptedPeer peer({{"", Then::stay}});
    start(request_to(peer.url()));
    while (peer.received().empty()) io.run_one_for(1ms);
    call->cut();
    io.run();
    ASSERT_FALSE(*result);
    EXPECT_EQ(result->error().message,
              "127.0.0.1:" + std::to_string(peer.port()) + ": the call was given up");

    PostRequest request = request_to(peer.url());
    request.body = [](const boost::asio::ip::address&) -> std::string {
        ADD_FAILURE() << "nobody is there any more to say something";
        return "";
    };
    start(std::move(request));
    call->cut();
    io.restart();
    io.run();
    EXPECT_FALSE(*result);
}

TEST_F(HttpPostTest, may_be_destroyed_under_way) {
    ScriptedPeer peer({{"", Then::stay}});
    start(request_to(peer.url()));
    while (peer.received().empty()) io.run_one_for(1ms);
}

}  // namespace
}  // namespace worker

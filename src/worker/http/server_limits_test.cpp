// What the server does with clients that stall, leave, or come in numbers, and how it ends.
#include "tests/support/http_client.h"
#include "tests/support/test_server.h"
#include "worker/base/async_signal.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <memory>

namespace worker {
namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

// Lets a test wait until a handler has begun and until all it owned is gone.
struct Lifetime {
    std::promise<void> begun;
    std::promise<void> ended;
};

class Witness {
public:
    explicit Witness(Lifetime& lifetime) : lifetime_(lifetime) { lifetime_.begun.set_value(); }
    ~Witness() { lifetime_.ended.set_value(); }
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;

private:
    Lifetime& lifetime_;
};

bool happens(std::promise<void>& event) {
    return event.get_future().wait_for(20s) == std::future_status::ready;
}

awaitable<void> echo(Request& request, ReplyWriter& reply) {
    reply.send({.body = request.body});
    co_return;
}

awaitable<void> wait_forever(Lifetime& lifetime) {
    const Witness witness(lifetime);
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_at(boost::asio::steady_timer::time_point::max());
    co_await timer.async_wait(boost::asio::use_awaitable);
}

// As a handler waits for events: its wait returns when it is cancelled, and it waits again.
awaitable<void> stream_forever_nothing(ReplyWriter& reply, Lifetime& lifetime) {
    const Witness witness(lifetime);
    AsyncSignal signal(co_await boost::asio::this_coro::executor);
    co_await reply.begin_stream({});
    for (;;) co_await signal.wait_until(Clock::TimePoint::max());
}

awaitable<void> stream_forever_much(ReplyWriter& reply, Lifetime& lifetime) {
    const Witness witness(lifetime);
    co_await reply.begin_stream({});
    bool written = true;
    while (written) written = co_await reply.write(std::string(1u << 20, 'x'));
}

awaitable<void> stream_until(ReplyWriter& reply, std::shared_ptr<AsyncSignal> end) {
    co_await reply.begin_stream({});
    co_await reply.write("data: 1\n\n");
    co_await end->wait_until(Clock::TimePoint::max());
    co_await reply.write("data: 2\n\n");
}

class ServerLimitsTest : public testing::Test {
protected:
    ~ServerLimitsTest() override { stop(); }

    TestServer& serve(HttpLimits limits = {}) {
        stop();
        Router router;
        const auto add = [&](const char* method, const char* pattern, Handler handler) {
            router.add({.method = method, .pattern = pattern, .handler = std::move(handler)});
        };
        add("POST", "/", echo);
        add("GET", "/", echo);
        add("GET", "/wait", [this](Request&, ReplyWriter&) { return wait_forever(lifetime_); });
        add("GET", "/nothing", [this](Request&, ReplyWriter& reply) {
            return stream_forever_nothing(reply, lifetime_);
        });
        add("GET", "/much",
            [this](Request&, ReplyWriter& reply) { return stream_forever_much(reply, lifetime_); });
        add("GET", "/until",
            [this](Request&, ReplyWriter& reply) { return stream_until(reply, stream_end_); });
        server_ = std::make_unique<TestServer>(std::move(router), limits);
        server_->on_io(
            [&](HttpServer&) { stream_end_ = std::make_shared<AsyncSignal>(server_->executor()); });
        return *server_;
    }

    void stop() {
        if (!server_) return;
        server_->on_io([&](HttpServer&) { stream_end_.reset(); });
        server_.reset();
    }

    static void get(HttpClient& client, const std::string& path) {
        client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }

    std::size_t connections() {
        std::size_t count = 0;
        server_->on_io([&](HttpServer& server) { count = server.connections(); });
        return count;
    }

    Lifetime lifetime_;
    std::shared_ptr<AsyncSignal> stream_end_;
    std::unique_ptr<TestServer> server_;
};

TEST_F(ServerLimitsTest, an_incomplete_request_gets_408) {
    serve({.request_deadline = 50ms});
    for (const char* sent : {"G", "GET / HTTP/1.1\r\nHost: localhost\r\n",
                             "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab"}) {
        HttpClient client(server_->port());
        client.send(sent);
        const HttpReply reply = client.read_reply();
        EXPECT_EQ(reply.status, 408) << sent;
        EXPECT_EQ(reply.field("connection"), "close") << sent;
        EXPECT_NE(reply.body.find("REQUEST_TIMEOUT"), std::string::npos) << reply.body;
        EXPECT_EQ(client.read_all(), "") << sent;
    }
}

TEST_F(ServerLimitsTest, an_idle_connection_is_just_closed) {
    serve({.keep_alive_idle = 50ms});
    HttpClient silent(server_->port());
    EXPECT_TRUE(silent.closes_without_a_byte());

    HttpClient served(server_->port());
    get(served, "/");
    EXPECT_EQ(served.read_reply().status, 200);
    EXPECT_TRUE(served.closes_without_a_byte());
}

TEST_F(ServerLimitsTest, a_handler_may_take_longer_than_a_request) {
    serve({.request_deadline = 50ms, .keep_alive_idle = 50ms});
    HttpClient streaming(server_->port());
    get(streaming, "/until");
    streaming.read_until("data: 1\n\n");
    HttpClient idle(server_->port());
    EXPECT_TRUE(idle.closes_without_a_byte());  // More than either deadline has passed.
    server_->on_io([&](HttpServer&) { stream_end_->notify(); });
    streaming.read_until("data: 2\n\n\r\n0\r\n\r\n");
}

TEST_F(ServerLimitsTest, a_client_that_reads_nothing_is_cut) {
    serve({.write_idle = 50ms});
    HttpClient client(server_->port());
    get(client, "/much");
    EXPECT_TRUE(happens(lifetime_.ended));
}

TEST_F(ServerLimitsTest, a_client_that_leaves_cancels_its_handler) {
    for (const char* path : {"/wait", "/nothing", "/much"}) {
        lifetime_ = {};
        serve();
        HttpClient client(server_->port());
        get(client, path);
        ASSERT_TRUE(happens(lifetime_.begun)) << path;
        client.close();
        EXPECT_TRUE(happens(lifetime_.ended)) << path;
    }
}

TEST_F(ServerLimitsTest, a_reset_behind_bytes_that_wait_cancels_the_handler) {
    serve();
    HttpClient client(server_->port());
    get(client, "/wait");
    client.send(std::string(100'000, 'x'));
    ASSERT_TRUE(happens(lifetime_.begun));
    client.reset();
    EXPECT_TRUE(happens(lifetime_.ended));
}

TEST_F(ServerLimitsTest, a_client_over_the_limit_is_turned_away) {
    serve({.connections = 2});
    HttpClient first(server_->port());
    HttpClient second(server_->port());
    get(first, "/");
    get(second, "/");
    EXPECT_EQ(first.read_reply().status, 200);
    EXPECT_EQ(second.read_reply().status, 200);

    HttpClient third(server_->port());
    const HttpReply reply = third.read_reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_EQ(third.read_all(), "");

    first.close();
    while (connections() == 2) std::this_thread::yield();
    EXPECT_EQ(http_get(server_->port(), "/").status, 200);
}

TEST_F(ServerLimitsTest, loopback_is_exempt_from_the_limit_per_address) {
    serve({.connections_per_address = 1});
    HttpClient first(server_->port());
    HttpClient second(server_->port());
    get(first, "/");
    get(second, "/");
    EXPECT_EQ(first.read_reply().status, 200);
    EXPECT_EQ(second.read_reply().status, 200);
}

TEST_F(ServerLimitsTest, waits_for_descriptors_when_there_are_none) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "UBSan's own checks need a descriptor";
#endif
    serve();
    EXPECT_EQ(http_get(server_->port(), "/").status, 200);
    while (connections() != 0) std::this_thread::yield();

    rlimit usual{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
    const int next_free = dup(0);
    ASSERT_GE(next_free, 0);
    ::close(next_free);
    rlimit one_more = usual;
    one_more.rlim_cur = static_cast<rlim_t>(next_free) + 1;  // The client's own end takes it.
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &one_more), 0);
    HttpClient client(server_->port());
    get(client, "/");
    while (server_->log().find("cannot be accepted") == std::string::npos) {
        std::this_thread::yield();
    }
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
    EXPECT_EQ(client.read_reply().status, 200);
}

TEST_F(ServerLimitsTest, draining_ends_idle_connections_and_lets_streams_go_on) {
    serve();
    HttpClient idle(server_->port());
    get(idle, "/");
    EXPECT_EQ(idle.read_reply().status, 200);
    HttpClient streaming(server_->port());
    get(streaming, "/until");
    streaming.read_until("data: 1\n\n");

    server_->on_io([](HttpServer& server) { server.stop_accepting(); });
    EXPECT_TRUE(idle.closes_without_a_byte());
    EXPECT_THROW(HttpClient refused(server_->port()), std::system_error);
    server_->on_io([&](HttpServer&) { stream_end_->notify(); });
    streaming.read_until("data: 2\n\n\r\n0\r\n\r\n");
    EXPECT_EQ(streaming.read_all(), "");
}

TEST_F(ServerLimitsTest, a_reply_while_draining_ends_its_connection) {
    serve();
    HttpClient client(server_->port());
    client.send(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
        "Expect: 100-continue\r\n\r\n");
    client.read_until("\r\n\r\n");
    server_->on_io([](HttpServer& server) { server.stop_accepting(); });
    client.send("hi");
    const HttpReply reply = client.read_reply();
    EXPECT_EQ(reply.body, "hi");
    EXPECT_EQ(reply.field("connection"), "close");
    EXPECT_EQ(client.read_all(), "");
}

TEST_F(ServerLimitsTest, patience_at_the_end_is_bounded) {
    serve();
    HttpClient client(server_->port());
    get(client, "/wait");
    ASSERT_TRUE(happens(lifetime_.begun));
    server_->drain(10ms);
    EXPECT_TRUE(happens(lifetime_.ended));
    EXPECT_EQ(client.read_all(), "");
}

void check_bind_fails(const HttpSettings& settings, const std::string& expected) {
    boost::asio::io_context io;
    const Router router;
    Log log(LogFormat::text, LogLevel::off);
    const auto server = HttpServer::bind(io.get_executor(), settings, router, log);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, ErrorCode::bind_failed);
    EXPECT_EQ(server.error().message, expected);
}

TEST_F(ServerLimitsTest, a_failure_to_listen_names_the_remedy) {
    const std::uint16_t port = serve().port();
    check_bind_fails({.host = "127.0.0.1", .port = port},
                     "cannot listen on 127.0.0.1: port " + std::to_string(port) +
                         " is in use: stop the other program or choose --port");
    check_bind_fails({.host = "192.0.2.1"},
                     "cannot listen on 192.0.2.1: this machine has no such address: choose --host");
    check_bind_fails({.host = "nowhere.invalid"},
                     "cannot listen on nowhere.invalid: the name does not resolve: choose --host");
}

TEST_F(ServerLimitsTest, listens_on_a_name) {
    boost::asio::io_context io;
    const Router router;
    Log log(LogFormat::text, LogLevel::off);
    const auto server = HttpServer::bind(io.get_executor(), {.host = "localhost"}, router, log);
    ASSERT_TRUE(server);
    EXPECT_NE((*server)->port(), 0);
}

}  // namespace
}  // namespace worker

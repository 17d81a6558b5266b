// What depends on where a client comes from, which over real sockets is always this machine.
#include "worker/http/connection.h"

#include "tests/support/http_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace worker {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr HttpLimits one_connection{.connections_per_address = 1, .connections_provisional = 1};

asio::awaitable<void> echo(Request& request, ReplyWriter& reply) {
    reply.send({.body = "[" + request.body + "]"});
    co_return;
}

// A token opens everything, and /open is open to everybody.
tl::expected<std::string, Response> identify(const Request& request, const Route& route) {
    if (request.fields.count("authorization") != 0) return "token:1";
    if (route.pattern == "/open") return "";
    return tl::make_unexpected(Response{.status = 401});
}

Router sample_router() {
    Router router;
    router.add({.method = "POST", .pattern = "/", .handler = echo});
    router.add({.method = "POST", .pattern = "/open", .handler = echo});
    return router;
}

class ConnectionTest : public testing::Test {
protected:
    ~ConnectionTest() override {
        client_.close();
        if (thread_.joinable()) thread_.join();
    }

    // The client comes from an address that has one connection already, which is all it may have.
    void connect() {
        tcp::socket socket = acceptor_.accept();
        connection_ = std::make_shared<Connection>(
            service_, Client{.socket = std::move(socket),
                             .endpoints = {.peer = peer, .local = "127.0.0.1", .bound = "0.0.0.0"},
                             .place = quota_.take(peer)});
        asio::co_spawn(io_, connection_->run(), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
        thread_ = std::thread([this] { io_.run(); });
    }

    HttpReply post(const std::string& path, const std::string& fields) {
        client_.send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields +
                     "Content-Length: 2\r\n\r\nhi");
        return client_.read_reply();
    }

    bool has_room_for_another() {
        std::promise<bool> answer;
        asio::post(io_, [&] { answer.set_value(quota_.take(peer) != nullptr); });
        return answer.get_future().get();
    }

    const std::string peer = "192.0.2.1";
    const std::string token = "Authorization: Bearer t\r\n";
    const Router router_ = sample_router();
    Log log_{LogFormat::text, LogLevel::off};
    HttpService service_{
        .settings = {.limits = one_connection, .check_host = false, .authorize = identify},
        .router = router_,
        .log = log_};
    ConnectionQuota quota_{one_connection};
    const std::unique_ptr<ConnectionQuota::Place> first_ = quota_.take(peer);
    asio::io_context io_;
    tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    HttpClient client_{acceptor_.local_endpoint().port()};
    std::shared_ptr<Connection> connection_;
    std::thread thread_;
};

TEST_F(ConnectionTest, one_too_many_of_an_address_is_served_when_it_shows_a_token) {
    connect();
    EXPECT_EQ(post("/", token).body, "[hi]");
    EXPECT_EQ(post("/open", "").body, "[hi]");
    EXPECT_EQ(post("/", "").status, 401);
}

TEST_F(ConnectionTest, one_too_many_of_an_address_is_turned_away_at_its_first_request) {
    connect();
    const HttpReply reply = post("/open", "");
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_EQ(reply.field("connection"), "close");
    EXPECT_EQ(client_.read_all(), "");
}

TEST_F(ConnectionTest, a_wrong_token_turns_it_away_all_the_same) {
    connect();
    EXPECT_EQ(post("/", "").status, 503);
    EXPECT_EQ(client_.read_all(), "");
}

TEST_F(ConnectionTest, one_that_has_shown_a_token_makes_room_for_another) {
    connect();
    EXPECT_FALSE(has_room_for_another());
    EXPECT_EQ(post("/", token).status, 200);
    EXPECT_TRUE(has_room_for_another());
}

}  // namespace
}  // namespace worker

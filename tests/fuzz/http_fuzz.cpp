// Whatever a client sends, in whatever pieces: the connection ends, and all that it says is HTTP.
#include "worker/base/assert.h"
#include "worker/base/json.h"
#include "worker/http/connection.h"
#include "worker/http/connection_quota.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace {

using boost::asio::awaitable;
using worker::ReplyWriter;
using worker::Request;

awaitable<void> echo(Request& request, ReplyWriter& reply) {
    reply.send({.content_type = "text/plain",
                .body = request.path + request.query_value("q").value_or("") + request.body});
    co_return;
}

awaitable<void> parse(Request& request, ReplyWriter& reply) {
    const auto json = worker::parse_json(request.body);
    reply.send(json ? worker::Response{} : worker::error_response(json.error()));
    co_return;
}

awaitable<void> stream(Request& request, ReplyWriter& reply) {
    const bool begun = co_await reply.begin_stream({});
    if (begun) co_await reply.write(request.params["word"]);
}

awaitable<void> wait_forever(Request&, ReplyWriter&) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_at(boost::asio::steady_timer::time_point::max());
    co_await timer.async_wait(boost::asio::use_awaitable);
}

worker::Router routes() {
    worker::Router router;
    router.add({.method = "GET", .pattern = "/", .handler = echo});
    router.add({.method = "POST", .pattern = "/", .handler = echo});
    router.add({.method = "POST", .pattern = "/json", .handler = parse, .json_body = true});
    router.add({.method = "GET", .pattern = "/s/{word}", .handler = stream});
    router.add({.method = "GET", .pattern = "/wait", .handler = wait_forever});
    return router;
}

// What the input follows, so that little of it is spent on finding a valid head.
constexpr std::array<std::string_view, 6> beginnings = {
    "",
    "GET /",
    "GET / HTTP/1.1\r\nHost: localhost\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /json HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Transfer-Encoding: chunked\r\n\r\n",
    "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n",
};

// The client's end of a pair of sockets; the other is the server's.
class Client {
public:
    Client() {
        std::array<int, 2> ends{};
        WORKER_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
        own_end_ = ends[0];
        server_end_ = ends[1];
    }
    ~Client() { ::close(own_end_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    int server_end() const { return server_end_; }

    // A server that has closed takes nothing more.
    void send(std::string_view bytes) {
        static_cast<void>(::send(own_end_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }
    void end_sending() { ::shutdown(own_end_, SHUT_WR); }
    void receive() {
        std::array<char, 65536> buffer;
        ssize_t got = 0;
        while ((got = ::recv(own_end_, buffer.data(), buffer.size(), 0)) > 0) {
            received_.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    const std::string& received() const { return received_; }

private:
    int own_end_ = -1;
    int server_end_ = -1;
    std::string received_;
};

void check_connection(std::string_view input, std::size_t piece_bytes) {
    static const worker::Router router = routes();
    static worker::Log log(worker::LogFormat::text, worker::LogLevel::off);
    worker::HttpService service{
        .settings = {.host = "127.0.0.1", .limits = {.body_bytes = 256, .header_bytes = 512}},
        .router = router,
        .log = log};

    Client client;
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    socket.assign(boost::asio::ip::tcp::v4(), client.server_end());
    worker::ConnectionQuota quota(service.settings.limits);
    worker::Connection connection(
        service, {.socket = std::move(socket),
                  .endpoints = {.peer = "127.0.0.1", .local = "127.0.0.1", .bound = "127.0.0.1"},
                  .place = quota.take("127.0.0.1")});
    bool ended = false;
    boost::asio::co_spawn(io, connection.run(), [&](std::exception_ptr thrown) {
        WORKER_ASSERT(!thrown);
        ended = true;
    });
    for (; !input.empty(); input.remove_prefix(std::min(piece_bytes, input.size()))) {
        client.send(input.substr(0, piece_bytes));
        io.poll();
        client.receive();
    }
    client.end_sending();
    while (!ended) {
        io.run_one();
        client.receive();
    }
    client.receive();
    WORKER_ASSERT(client.received().empty() || client.received().starts_with("HTTP/1.1 "));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t piece_bytes = bytes[0] + 1u;
    std::string input(beginnings[bytes[1] % beginnings.size()]);
    input.append(reinterpret_cast<const char*>(bytes + 2), size - 2);
    check_connection(input, piece_bytes);
    return 0;
}

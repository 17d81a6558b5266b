#include "bench/call.h"

#include "bench/reply_reader.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <array>
#include <string_view>

namespace bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t read_bytes = 16 << 10;
constexpr std::string_view data_field = "data: ";

std::string wire(Target target, const Ask& ask) {
    const std::string body = request_body(target.dialect, ask.prompt, ask.tokens_out);
    return fmt::format(
        "POST {} HTTP/1.1\r\n"
        "Host: localhost:{}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: {}\r\n"
        "\r\n{}",
        request_path(target.dialect), target.port, body.size(), body);
}

void take_lines(Dialect dialect, ReplyReader& reader, SteadyTime now, CallRecord& record) {
    std::string line;
    while (reader.next_line(line)) {
        if (reader.status() != 200) {
            record.error = fmt::format("status {}: {}", reader.status(), line);
        } else if (line.starts_with(data_field)) {
            take_frame(dialect, std::string_view(line).substr(data_field.size()), now, record);
        }
    }
}

asio::awaitable<void> exchange(tcp::socket& socket, Target target, const Ask& ask,
                               CallRecord& record) {
    const std::string sent = wire(target, ask);
    const auto [write_error, written] =
        co_await asio::async_write(socket, asio::buffer(sent), asio::as_tuple(asio::use_awaitable));
    if (write_error) record.error = "sending: " + write_error.message();

    ReplyReader reader;
    std::array<char, read_bytes> buffer;
    while (record.error.empty() && !reader.complete()) {
        const auto [ec, got] = co_await socket.async_read_some(asio::buffer(buffer),
                                                               asio::as_tuple(asio::use_awaitable));
        const SteadyTime now = std::chrono::steady_clock::now();
        if (ec) {
            record.error = "receiving: " + ec.message();
        } else if (!reader.take({buffer.data(), got})) {
            record.error = "the reply is no HTTP";
        } else {
            take_lines(target.dialect, reader, now, record);
        }
    }
}

}  // namespace

asio::awaitable<void> call(Target target, Ask ask, CallRecord& record) {
    const auto executor = co_await asio::this_coro::executor;
    tcp::socket socket(executor);
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), target.port);
    record.sent = std::chrono::steady_clock::now();
    const auto [ec] = co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    if (ec) {
        record.error = "connecting: " + ec.message();
    } else {
        co_await exchange(socket, target, ask, record);
    }
    record.ended = std::chrono::steady_clock::now();
    if (record.error.empty() && !record.complete) record.error = "the stream ended before its end";
}

}  // namespace bench

#include "worker/http/client_socket.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace worker {

namespace asio = boost::asio;
using boost::system::error_code;
using Wait = asio::socket_base::wait_type;

ClientSocket::ClientSocket(asio::ip::tcp::socket socket)
    : socket_(std::move(socket)), timer_(socket_.get_executor()) {
    error_code ec;
    socket_.non_blocking(true, ec);  // Fails on a dead socket only; the first read says so too.
    socket_.set_option(asio::ip::tcp::no_delay(true), ec);
}

asio::awaitable<bool> ClientSocket::read(std::string& input, std::size_t bytes_max) {
    for (;;) {
        if (deadline_passed_) co_return false;
        const auto [waited] =
            co_await socket_.async_wait(Wait::wait_read, asio::as_tuple(asio::use_awaitable));
        if (waited) co_return false;
        const std::size_t held = input.size();
        input.resize(held + bytes_max);
        error_code ec;
        const std::size_t got = socket_.read_some(asio::buffer(&input[held], bytes_max), ec);
        input.resize(held + got);
        if (got != 0) co_return true;
        if (ec != asio::error::would_block) co_return false;
    }
}

asio::awaitable<bool> ClientSocket::write(std::string_view bytes, std::chrono::milliseconds idle) {
    clear_deadline();
    while (!bytes.empty()) {
        error_code ec;
        bytes.remove_prefix(socket_.write_some(asio::buffer(bytes), ec));
        if (!ec) continue;
        if (ec != asio::error::would_block) co_return false;
        set_deadline(idle);
        const auto [waited] =
            co_await socket_.async_wait(Wait::wait_write, asio::as_tuple(asio::use_awaitable));
        if (waited) co_return false;
        clear_deadline();
    }
    co_return true;
}

asio::awaitable<void> ClientSocket::wait_until_broken() {
    const auto [waited] =
        co_await socket_.async_wait(Wait::wait_error, asio::as_tuple(asio::use_awaitable));
    static_cast<void>(waited);  // Cancelled or broken: there is nothing more to wait for.
}

void ClientSocket::set_deadline(std::chrono::milliseconds from_now) {
    deadline_passed_ = false;
    timer_.expires_after(from_now);
    timer_.async_wait([weak = weak_from_this()](error_code) {
        if (const auto self = weak.lock()) self->cancel_if_due();
    });
}

void ClientSocket::clear_deadline() {
    deadline_passed_ = false;
    timer_.expires_at(asio::steady_timer::time_point::max());
}

void ClientSocket::cancel_if_due() {
    // A wait that was replaced while its end was already queued ends here, before its time.
    if (timer_.expiry() > asio::steady_timer::clock_type::now()) return;
    deadline_passed_ = true;
    error_code ec;
    socket_.cancel(ec);  // Fails on a socket that was cut meanwhile: nothing waits there.
}

void ClientSocket::end_writing() {
    error_code ec;
    socket_.shutdown(asio::socket_base::shutdown_send, ec);  // Fails when the client has left.
}

void ClientSocket::cut() {
    clear_deadline();
    error_code ec;
    socket_.close(ec);  // The descriptor is gone even where this reports an error.
}

}  // namespace worker

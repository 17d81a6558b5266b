#include "worker/http/client_socket.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace worker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

Transfer outcome(std::size_t bytes, const error_code& ec, Transfer::Wait wait) {
    if (bytes != 0) return {.bytes = bytes};
    if (ec == asio::error::would_block) return {.wait = wait};
    return {};
}

}  // namespace

ClientSocket::ClientSocket(asio::ip::tcp::socket socket, const TlsServer* tls)
    : socket_(std::move(socket)),
      tls_(tls ? tls->session(socket_.native_handle()) : nullptr),
      timer_(socket_.get_executor()) {
    error_code ec;
    socket_.non_blocking(true, ec);  // Fails on a dead socket only; the first read says so too.
    socket_.set_option(asio::ip::tcp::no_delay(true), ec);
}

asio::awaitable<Result<void>> ClientSocket::handshake() {
    bool waited = true;
    while (tls_) {
        if (!waited || deadline_passed_ || !socket_.is_open()) {
            co_return fail(ErrorCode::cancelled, "the handshake was not completed");
        }
        const auto awaited = tls_->handshake();
        if (!awaited) co_return fail(awaited.error());
        if (!*awaited) break;
        waited = co_await wait(**awaited);
    }
    co_return Result<void>{};
}

asio::awaitable<bool> ClientSocket::read(std::string& input, std::size_t bytes_max) {
    Transfer got{.wait = Transfer::Wait::readable};
    if (tls_ && tls_->holds_bytes()) got.wait.reset();
    for (;;) {
        if (deadline_passed_) co_return false;
        if (got.wait) {
            const bool waited = co_await wait(*got.wait);
            if (!waited) co_return false;
        }
        const std::size_t held = input.size();
        input.resize(held + bytes_max);
        got = try_read(&input[held], bytes_max);
        input.resize(held + got.bytes);
        if (got.bytes != 0) co_return true;
        if (!got.wait) co_return false;
    }
}

asio::awaitable<bool> ClientSocket::write(std::string_view bytes, std::chrono::milliseconds idle) {
    clear_deadline();
    while (!bytes.empty()) {
        const Transfer put = try_write(bytes);
        bytes.remove_prefix(put.bytes);
        if (put.bytes != 0) continue;
        if (!put.wait) co_return false;
        set_deadline(idle);
        const bool waited = co_await wait(*put.wait);
        if (!waited) co_return false;
        clear_deadline();
    }
    co_return true;
}

// A socket that was cut no longer owns its descriptor, which may be another client's by now; Asio
// knows that, the session does not.
Transfer ClientSocket::try_read(char* to, std::size_t bytes_max) {
    if (tls_ && socket_.is_open()) return tls_->read(to, bytes_max);
    error_code ec;
    const std::size_t got = socket_.read_some(asio::buffer(to, bytes_max), ec);
    return outcome(got, ec, Transfer::Wait::readable);
}

Transfer ClientSocket::try_write(std::string_view bytes) {
    if (tls_ && socket_.is_open()) return tls_->write(bytes);
    error_code ec;
    const std::size_t put = socket_.write_some(asio::buffer(bytes), ec);
    return outcome(put, ec, Transfer::Wait::writable);
}

asio::awaitable<bool> ClientSocket::wait(Transfer::Wait what) {
    const auto event = what == Transfer::Wait::readable ? asio::socket_base::wait_read
                                                        : asio::socket_base::wait_write;
    const auto [ec] = co_await socket_.async_wait(event, asio::as_tuple(asio::use_awaitable));
    co_return !ec;
}

asio::awaitable<void> ClientSocket::wait_until_broken() {
    const auto [waited] = co_await socket_.async_wait(asio::socket_base::wait_error,
                                                      asio::as_tuple(asio::use_awaitable));
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

asio::awaitable<void> ClientSocket::end_writing() {
    bool waited = true;
    while (tls_ && waited && !deadline_passed_ && socket_.is_open()) {
        const auto awaited = tls_->end_writing();
        if (!awaited) break;
        waited = co_await wait(*awaited);
    }
    error_code ec;
    socket_.shutdown(asio::socket_base::shutdown_send, ec);  // Fails when the client has left.
}

void ClientSocket::cut() {
    clear_deadline();
    error_code ec;
    socket_.close(ec);  // The descriptor is gone even where this reports an error.
}

}  // namespace worker

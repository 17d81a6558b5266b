#pragma once

#include "worker/base/result.h"
#include "worker/http/tls.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace worker {

// A client's end of a connection. Waits first and copies then, so that a connection that waits
// holds no buffer. One deadline covers whatever waits. Thread: io.
class ClientSocket : public std::enable_shared_from_this<ClientSocket> {
public:
    // With `tls` all bytes but those of the handshake go through it.
    ClientSocket(boost::asio::ip::tcp::socket socket, const TlsServer* tls);

    // Before anything is read or written; succeeds at once without TLS. Errors: bad_request;
    // cancelled when the client has left, or the deadline has passed.
    boost::asio::awaitable<Result<void>> handshake();

    // Waits for bytes and appends at most `bytes_max` of them. False: the client has left, the
    // deadline has passed, or the wait was cancelled; then nothing is lost.
    boost::asio::awaitable<bool> read(std::string& input, std::size_t bytes_max);

    // False: the client has left, or took no byte for `idle`. Replaces the deadline.
    boost::asio::awaitable<bool> write(std::string_view bytes, std::chrono::milliseconds idle);

    // Returns when the connection has broken, or the wait was cancelled. Bytes that arrive, and a
    // client that only ended its sending, go unnoticed.
    boost::asio::awaitable<void> wait_until_broken();

    void set_deadline(std::chrono::milliseconds from_now);
    void clear_deadline();
    bool deadline_passed() const { return deadline_passed_; }

    // The client reads the end of the stream behind what was written.
    boost::asio::awaitable<void> end_writing();
    // Whatever waits returns.
    void cut();

private:
    // One attempt each, which does not wait.
    Transfer try_read(char* to, std::size_t bytes_max);
    Transfer try_write(std::string_view bytes);
    // False: the connection has broken, or the wait was cancelled.
    boost::asio::awaitable<bool> wait(Transfer::Wait what);
    void cancel_if_due();

    boost::asio::ip::tcp::socket socket_;
    const std::unique_ptr<TlsSession> tls_;  // null: plain TCP
    boost::asio::steady_timer timer_;
    bool deadline_passed_ = false;
};

}  // namespace worker

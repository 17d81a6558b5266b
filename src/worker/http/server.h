#pragma once

#include "worker/base/log.h"
#include "worker/base/result.h"
#include "worker/http/router.h"
#include "worker/http/tls.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace worker {

struct HttpLimits {
    std::size_t body_bytes = 8u << 20;
    std::size_t header_bytes = 16u << 10;
    std::size_t connections = 4096;
    // Loopback and token holders are exempt. `provisional` ones come on top: their first request
    // must show a token.
    std::size_t connections_per_address = 256;
    std::size_t connections_provisional = 64;
    std::chrono::milliseconds request_deadline{30'000};  // for the whole head and body to arrive
    std::chrono::milliseconds keep_alive_idle{75'000};   // before the first byte of a request
    std::chrono::milliseconds write_idle{30'000};        // no byte taken by the client
    // What a client may still send after a reply that ends its connection. Read and dropped: to
    // close on unread bytes is to reset, and the reply would be lost.
    std::size_t linger_bytes = 16u << 20;
    std::chrono::milliseconds linger{2'000};
};

// Judges a request by its head, between the route and the body: answers its `Request::caller`, or
// the reply that turns it away. `request` has no body yet.
using Authorize =
    std::function<tl::expected<std::string, Response>(const Request& request, const Route& route)>;

struct HttpSettings {
    std::string host = {};   // literal address or name
    std::uint16_t port = 0;  // 0 = any
    HttpLimits limits = {};
    std::optional<TlsFiles> tls = {};  // nothing: plain HTTP
    // Without a token the Host field must name a loopback name or the bound address.
    bool check_host = true;
    Authorize authorize = {};  // empty: everybody is let in, as nobody in particular
    // Web pages of these origins may call ("https://ui.example:8443", as browsers send it).
    std::vector<std::string> cors_origins = {};
};

// Listens, and serves each connection with a coroutine of its own. Thread: io.
class HttpServer {
public:
    // Errors: bind_failed, naming address, reason and remedy; config_invalid for the files of TLS.
    // Listens from here on; connections wait until `start`. `router` and `log` outlive the
    // executor's work.
    static Result<std::unique_ptr<HttpServer>> bind(boost::asio::any_io_executor executor,
                                                    const HttpSettings& settings,
                                                    const Router& router, Log& log);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    std::uint16_t port() const;
    std::size_t connections() const;

    void start();
    // Reads the files of TLS again, for connections from now on. Errors: config_invalid; then the
    // old certificate stays.
    Result<void> reload_certificate();
    // Takes no new connection and ends idle ones; each reply from now on ends its connection.
    // Requests in hand go on.
    void stop_accepting();
    // Returns when the last connection is gone, at most `patience` later; then it cuts them, and
    // gives their handlers a moment to unwind. Requires: called once.
    boost::asio::awaitable<void> finish(std::chrono::milliseconds patience);

private:
    struct State;
    explicit HttpServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace worker

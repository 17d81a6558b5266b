#include "worker/http/server.h"

#include "worker/base/async_signal.h"
#include "worker/http/connection.h"
#include "worker/http/connection_quota.h"
#include "worker/http/reply.h"
#include "worker/http/service.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <unordered_set>
#include <utility>

namespace worker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// Descriptors come back when connections end; to ask for one more often helps nobody.
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::chrono::milliseconds unwinding_patience{1'000};

std::string reason_and_remedy(const error_code& ec, const HttpSettings& settings) {
    const std::string port = std::to_string(settings.port);
    if (ec == asio::error::address_in_use) {
        return "port " + port + " is in use: stop the other program or choose --port";
    }
    if (ec == asio::error::access_denied) {
        return "this user may not bind port " + port + ": choose --port above 1023";
    }
    if (ec == boost::system::errc::address_not_available) {
        return "this machine has no such address: choose --host";
    }
    return ec.message() + ": choose another --host or --port";
}

tl::unexpected<Error> bind_failed(const error_code& ec, const HttpSettings& settings) {
    return fail(ErrorCode::bind_failed,
                "cannot listen on " + settings.host + ": " + reason_and_remedy(ec, settings));
}

// A name that has several addresses stands for its first IPv4 one: clients that try IPv6 first
// fall back to it, others know no other.
Result<tcp::endpoint> resolve(const asio::any_io_executor& executor, const HttpSettings& settings) {
    error_code ec;
    const auto literal = asio::ip::make_address(settings.host, ec);
    if (!ec) return tcp::endpoint(literal, settings.port);
    tcp::resolver resolver(executor);
    const auto found = resolver.resolve(settings.host, std::to_string(settings.port), ec);
    if (ec || found.empty()) {
        return fail(ErrorCode::bind_failed, "cannot listen on " + settings.host +
                                                ": the name does not resolve: choose --host");
    }
    for (const auto& entry : found) {
        if (entry.endpoint().address().is_v4()) return entry.endpoint();
    }
    return found.begin()->endpoint();
}

// IPv4 in its own form where it came through an IPv6 socket.
std::string to_text(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

// What a client reads that finds no room. Best effort: nothing waits for it.
void turn_away(tcp::socket socket) {
    const std::string wire = to_wire(no_room_response(), {.trace = trace_of({})});
    error_code ec;  // A client that is gone already misses nothing.
    socket.non_blocking(true, ec);
    socket.write_some(asio::buffer(wire), ec);
    socket.shutdown(tcp::socket::shutdown_both, ec);
}

std::string what_was_thrown(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
        return exception.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<State> {
    State(const asio::any_io_executor& executor, const HttpSettings& settings, const Router& router,
          Log& log)
        : service{.settings = settings, .router = router, .log = log},
          acceptor(executor),
          pause(executor),
          connection_ended(executor),
          quota(settings.limits) {}

    Result<void> load_certificate();
    error_code listen(const tcp::endpoint& endpoint);
    asio::awaitable<void> accept_clients();
    void take(tcp::socket socket);
    void remove(const std::shared_ptr<Connection>& connection);
    void stop();
    void cut_all();
    asio::awaitable<void> wait_until_empty(std::chrono::milliseconds patience);
    void log_end(std::string_view what, const std::exception_ptr& thrown);

    HttpService service;
    tcp::acceptor acceptor;
    std::uint16_t port = 0;
    asio::steady_timer pause;
    AsyncSignal connection_ended;
    ConnectionQuota quota;
    std::unordered_set<std::shared_ptr<Connection>> connections;
};

Result<void> HttpServer::State::load_certificate() {
    if (!service.settings.tls) return {};
    Result<TlsServer> loaded = TlsServer::load(*service.settings.tls);
    if (!loaded) return fail(std::move(loaded.error()));
    service.tls = std::move(*loaded);
    return {};
}

error_code HttpServer::State::listen(const tcp::endpoint& endpoint) {
    error_code ec;
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec && endpoint.address().is_v6()) {
        error_code fixed;  // Some systems fix this option; then IPv6 alone is served.
        acceptor.set_option(asio::ip::v6_only(false), fixed);
    }
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(tcp::acceptor::max_listen_connections, ec);
    if (!ec) port = acceptor.local_endpoint(ec).port();
    return ec;
}

asio::awaitable<void> HttpServer::State::accept_clients() {
    bool failing = false;
    while (acceptor.is_open()) {
        auto [ec, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
        if (!ec) {
            failing = false;
            take(std::move(socket));
            continue;
        }
        if (!acceptor.is_open()) co_return;
        if (ec == asio::error::connection_aborted) continue;
        // Most likely out of descriptors. The client waits in the backlog.
        if (!std::exchange(failing, true)) {
            service.log.write(LogLevel::warn, "clients cannot be accepted for now",
                              {{"reason", ec.message()}});
        }
        pause.expires_after(accept_pause);
        const auto [paused] = co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
        static_cast<void>(paused);  // Cut short by `stop` alone, which closes the acceptor.
    }
}

void HttpServer::State::take(tcp::socket socket) {
    error_code ec;
    const tcp::endpoint peer = socket.remote_endpoint(ec);
    if (ec) return;  // It has left already.
    const tcp::endpoint local = socket.local_endpoint(ec);
    if (ec) return;
    const std::string address = to_text(peer.address());
    auto place = quota.take(address);
    if (!place) {
        if (!service.tls) turn_away(std::move(socket));
        return;
    }
    const auto executor = socket.get_executor();
    const auto connection = std::make_shared<Connection>(
        service, Client{.socket = std::move(socket),
                        .endpoints = {.peer = address,
                                      .local = to_text(local.address()),
                                      .bound = service.settings.host},
                        .place = std::move(place)});
    connections.insert(connection);
    asio::co_spawn(executor, connection->run(),
                   [self = shared_from_this(), connection](std::exception_ptr thrown) {
                       self->log_end("a connection failed", thrown);
                       self->remove(connection);
                   });
}

void HttpServer::State::remove(const std::shared_ptr<Connection>& connection) {
    connections.erase(connection);
    connection_ended.notify();
}

void HttpServer::State::stop() {
    service.draining = true;
    error_code ec;
    acceptor.close(ec);  // The descriptor is gone even where this reports an error.
    pause.cancel();
    for (const auto& connection : connections) connection->end_if_idle();
}

void HttpServer::State::cut_all() {
    for (const auto& connection : connections) connection->cut();
}

asio::awaitable<void> HttpServer::State::wait_until_empty(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!connections.empty() && std::chrono::steady_clock::now() < deadline) {
        co_await connection_ended.wait_until(deadline);
    }
}

void HttpServer::State::log_end(std::string_view what, const std::exception_ptr& thrown) {
    if (thrown) service.log.write(LogLevel::error, what, {{"reason", what_was_thrown(thrown)}});
}

Result<std::unique_ptr<HttpServer>> HttpServer::bind(asio::any_io_executor executor,
                                                     const HttpSettings& settings,
                                                     const Router& router, Log& log) {
    const Result<tcp::endpoint> endpoint = resolve(executor, settings);
    if (!endpoint) return fail(endpoint.error());
    auto state = std::make_shared<State>(executor, settings, router, log);
    Result<void> loaded = state->load_certificate();
    if (!loaded) return fail(std::move(loaded.error()));
    const error_code ec = state->listen(*endpoint);
    if (ec) return bind_failed(ec, settings);
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
    state_->stop();
    state_->cut_all();
}

std::uint16_t HttpServer::port() const {
    return state_->port;
}

std::size_t HttpServer::connections() const {
    return state_->connections.size();
}

void HttpServer::start() {
    asio::co_spawn(state_->acceptor.get_executor(), state_->accept_clients(),
                   [state = state_](std::exception_ptr thrown) {
                       state->log_end("the listener failed", thrown);
                   });
}

Result<void> HttpServer::reload_certificate() {
    return state_->load_certificate();
}

void HttpServer::stop_accepting() {
    state_->stop();
}

asio::awaitable<void> HttpServer::finish(std::chrono::milliseconds patience) {
    const std::shared_ptr<State> state = state_;
    co_await state->wait_until_empty(patience);
    state->cut_all();
    co_await state->wait_until_empty(unwinding_patience);
}

}  // namespace worker

#include "worker/http/connection.h"

#include "worker/http/admission.h"
#include "worker/http/cors.h"
#include "worker/http/request_checks.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace worker {
namespace {

namespace asio = boost::asio;

constexpr std::size_t head_read_bytes = 4u << 10;
constexpr std::size_t body_read_bytes = 64u << 10;
// While a handler runs: more of what the client sends ahead stays in the kernel.
constexpr std::size_t read_ahead_bytes = 4u << 10;

ReplyForm form_of(const RequestHead& head, const HttpSettings& settings) {
    return {.head_only = head.method == "HEAD",
            .http_1_0 = head.http_1_0,
            .close = head.http_1_0 || !head.keep_alive,
            .trace = trace_of(head.fields),
            .fields = cors_fields(head.fields, settings.cors_origins)};
}

// Runs a handler to its end, whatever that is. `failure`: what it threw.
asio::awaitable<void> run_handler(const Handler& handler, Request& request, Reply& reply,
                                  std::optional<std::string>& failure) {
    try {
        co_await handler(request, reply);
    } catch (const std::exception& thrown) {
        failure = thrown.what();
    } catch (...) {
        failure = "an exception of unknown type";
    }
}

// Source: RFC 9112, section 2.2: a server ought to ignore empty lines before a request.
void drop_empty_lines(std::string& input) {
    while (input.starts_with("\r\n")) input.erase(0, 2);
}

}  // namespace

Connection::Connection(HttpService& service, Client client)
    : service_(service),
      limits_(service.settings.limits),
      endpoints_(std::move(client.endpoints)),
      place_(std::move(client.place)),
      socket_(std::make_shared<ClientSocket>(std::move(client.socket),
                                             service.tls ? &*service.tls : nullptr)) {}

void Connection::end_if_idle() {
    if (idle_) socket_->cut();
}

void Connection::cut() {
    socket_->cut();
}

asio::awaitable<void> Connection::run() {
    const bool begun = co_await shake_hands();
    Next next = begun ? Next::serve : Next::cut;
    while (next == Next::serve) next = co_await serve_one();
    if (next == Next::close) co_await linger();
    socket_->cut();
}

asio::awaitable<bool> Connection::shake_hands() {
    socket_->set_deadline(limits_.request_deadline);
    const Result<void> done = co_await socket_->handshake();
    if (!done && done.error().code != ErrorCode::cancelled) {
        service_.log.write(LogLevel::debug, "a client failed to begin TLS",
                           {{"peer", endpoints_.peer}, {"reason", done.error().message}});
    }
    co_return done.has_value();
}

asio::awaitable<Connection::Next> Connection::serve_one() {
    const bool arrived = co_await first_byte();
    if (!arrived) co_return Next::cut;
    tl::expected<Received, Next> received = co_await receive();
    if (!received) co_return received.error();
    const Next next = co_await handle(*received);
    co_return next;
}

bool Connection::has_to_show_a_token() const {
    return place_->standing() == ConnectionQuota::Place::Standing::provisional;
}

asio::awaitable<bool> Connection::first_byte() {
    socket_->set_deadline(has_to_show_a_token() ? limits_.request_deadline
                                                : limits_.keep_alive_idle);
    drop_empty_lines(input_);
    idle_ = true;
    while (input_.empty() || input_ == "\r") {
        if (service_.draining) co_return false;
        input_.shrink_to_fit();
        const bool got = co_await socket_->read(input_, head_read_bytes);
        if (!got) co_return false;
        drop_empty_lines(input_);
    }
    idle_ = false;
    co_return true;
}

asio::awaitable<tl::expected<Connection::Received, Connection::Next>> Connection::receive() {
    socket_->set_deadline(limits_.request_deadline);
    RequestParser parser(limits_.body_bytes);
    Result<RequestHead> head = co_await read_head(parser);
    ReplyForm form = form_of(head.value_or(RequestHead{}), service_.settings);
    if (!head) {
        if (head.error().code == ErrorCode::cancelled) co_return tl::make_unexpected(Next::cut);
        form.close = true;
        const Next next = co_await send(error_response(head.error()), std::move(form));
        co_return tl::make_unexpected(next);
    }
    auto admitted =
        admit(std::move(*head), form.trace, endpoints_, service_.settings, service_.router);
    if (admitted && !admitted->request.caller.empty()) place_->exempt();
    if (has_to_show_a_token()) {
        const Next next = co_await send(no_room_response(), std::move(form));
        co_return tl::make_unexpected(next);
    }
    if (!admitted) {
        const Next next = co_await send(std::move(admitted.error()), std::move(form));
        co_return tl::make_unexpected(next);
    }
    const Result<void> body = co_await read_body(parser, admitted->expects_continue);
    if (!body) {
        if (body.error().code == ErrorCode::cancelled) co_return tl::make_unexpected(Next::cut);
        form.close = true;
        const Next next =
            co_await send(admitted->route->error_shape(body.error()), std::move(form));
        co_return tl::make_unexpected(next);
    }
    socket_->clear_deadline();
    admitted->request.body = std::move(parser).take();
    co_return Received{std::move(admitted->request), admitted->route, std::move(form)};
}

asio::awaitable<Result<RequestHead>> Connection::read_head(RequestParser& parser) {
    for (;;) {
        const auto end = find_head_end(input_, limits_.header_bytes);
        if (!end) co_return fail(end.error());
        if (*end) {
            Result<RequestHead> head = parser.take_head(std::string_view(input_).substr(0, **end));
            input_.erase(0, **end);
            co_return head;
        }
        const bool got = co_await socket_->read(input_, head_read_bytes);
        if (!got) co_return fail(reading_failed());
    }
}

asio::awaitable<Result<void>> Connection::read_body(RequestParser& parser, bool expects_continue) {
    if (expects_continue && input_.empty() && !parser.complete()) {
        const bool written =
            co_await socket_->write("HTTP/1.1 100 Continue\r\n\r\n", limits_.write_idle);
        if (!written) co_return fail(reading_failed());
        socket_->set_deadline(limits_.request_deadline);
    }
    while (!parser.complete()) {
        if (!input_.empty()) {
            const Result<std::size_t> taken = parser.take_body(input_);
            if (!taken) co_return fail(taken.error());
            input_.erase(0, *taken);
            if (parser.complete()) break;
        }
        // What the parser leaves is the beginning of a chunk's head or of the trailers.
        if (input_.size() > limits_.header_bytes) {
            co_return fail(ErrorCode::bad_request, "a chunk's head or the trailers are too long");
        }
        const bool got = co_await socket_->read(input_, body_read_bytes);
        if (!got) co_return fail(reading_failed());
    }
    co_return Result<void>{};
}

Error Connection::reading_failed() const {
    if (!socket_->deadline_passed()) return {ErrorCode::cancelled, "the client has left"};
    return {ErrorCode::request_timeout, "the request was not complete within " +
                                            std::to_string(limits_.request_deadline.count()) +
                                            " ms"};
}

asio::awaitable<Connection::Next> Connection::handle(Received& received) {
    using namespace asio::experimental::awaitable_operators;
    const Route& route = *received.route;
    Reply reply(*socket_, received.form, service_);
    std::optional<std::string> failure;
    asio::awaitable<void> handling = run_handler(route.handler, received.request, reply, failure);
    asio::awaitable<void> watching = watch_client();
    const auto first = co_await (std::move(handling) || std::move(watching));

    const bool client_left = first.index() == 1;
    if (client_left) failure.reset();  // A handler that is cancelled throws.
    if (!client_left && !failure && !reply.begun()) failure = "the route gave no reply";
    if (failure) {
        service_.log.write(LogLevel::error, "a request failed",
                           {{"correlation_id", received.request.correlation_id},
                            {"route", route.method + " " + route.pattern},
                            {"reason", *failure}});
        if (reply.streaming()) co_return Next::cut;
        Response response = route.error_shape({ErrorCode::internal, "the worker's log says why"});
        response.close = true;
        const Next next = co_await send(std::move(response), std::move(received.form));
        co_return next;
    }
    if (std::optional<Response> response = reply.take_response()) {
        const Next next = co_await send(std::move(*response), std::move(received.form));
        co_return next;
    }
    if (client_left) co_return Next::cut;
    const bool ended = co_await reply.end_stream();
    co_return ended ? after_reply(received.form.close) : Next::cut;
}

asio::awaitable<void> Connection::watch_client() {
    input_.shrink_to_fit();
    while (input_.size() < read_ahead_bytes) {
        const bool got = co_await socket_->read(input_, read_ahead_bytes);
        if (!got) co_return;
    }
    co_await socket_->wait_until_broken();
}

asio::awaitable<Connection::Next> Connection::send(Response response, ReplyForm form) {
    const bool close = form.close || response.close;
    form.close = after_reply(close) == Next::close;
    const std::string wire = to_wire(response, form);
    const bool written = co_await socket_->write(wire, limits_.write_idle);
    if (response.when_sent) response.when_sent();
    co_return written ? after_reply(close) : Next::cut;
}

Connection::Next Connection::after_reply(bool close) const {
    return close || service_.draining ? Next::close : Next::serve;
}

asio::awaitable<void> Connection::linger() {
    socket_->set_deadline(limits_.linger);
    co_await socket_->end_writing();
    for (std::size_t left = limits_.linger_bytes; left > 0;) {
        input_.clear();
        const bool got = co_await socket_->read(input_, body_read_bytes);
        if (!got) co_return;
        left -= std::min(left, input_.size());
    }
}

}  // namespace worker

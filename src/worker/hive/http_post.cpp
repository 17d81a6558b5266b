#include "worker/hive/http_post.h"

#include "worker/base/ids.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <array>
#include <utility>

namespace worker {

namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Progress = ResponseParser::Progress;

constexpr std::size_t read_bytes = 4096;

bool is_address(const std::string& host) {
    error_code ec;
    asio::ip::make_address(host, ec);
    return !ec;
}

// Names the host to a server that holds certificates of several, and wants to see its own.
void expect_host(ssl::stream<tcp::socket&>& stream, const std::string& host) {
    error_code
        ec;  // Neither call fails; a peer that is not verified would be told by the handshake.
    stream.set_verify_mode(ssl::verify_peer, ec);
    stream.set_verify_callback(ssl::host_name_verification(host), ec);
    // Source: RFC 6066, 3: an address is no server name.
    if (!is_address(host)) SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
}

}  // namespace

std::shared_ptr<ssl::context> trust_of_this_machine() {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    error_code ec;  // Without certificates each handshake fails, and says why.
    context->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, ec);
    context->set_default_verify_paths(ec);
    return context;
}

HttpPost::HttpPost(PostParts parts, PostRequest request)
    : parts_(std::move(parts)),
      request_(std::move(request)),
      deadline_(std::chrono::steady_clock::now() + request_.timeout),
      lookup_(parts_.executor, parts_.lookups),
      socket_(parts_.executor),
      timer_(parts_.executor) {
    if (request_.correlation_id.empty()) request_.correlation_id = uuid_v4();
}

asio::awaitable<Result<HttpAnswer>> HttpPost::run() {
    close_at(deadline_);
    Result<HttpAnswer> answer = co_await connect_and_exchange();
    close();
    timer_.cancel();
    co_return answer;
}

asio::awaitable<Result<HttpAnswer>> HttpPost::connect_and_exchange() {
    const Result<void> connected = co_await connect();
    if (!connected) co_return fail(connected.error());
    if (request_.url.scheme == Url::Scheme::https) {
        Result<HttpAnswer> answer = co_await exchange_in_tls();
        co_return answer;
    }
    Result<HttpAnswer> answer = co_await exchange(socket_);
    co_return answer;
}

// Each address in turn, and each gets its share of the time that is left: one that swallows packets
// does not hide the next.
asio::awaitable<Result<void>> HttpPost::connect() {
    const Result<NameLookup::Addresses> addresses = co_await lookup_.run(request_.url.host);
    if (timed_out_ || cut_) co_return fail(failure("looking up its name", {}));
    if (!addresses) co_return fail(failure(addresses.error().message));

    error_code ec;
    for (std::size_t i = 0; i < addresses->size() && !timed_out_ && !cut_; ++i) {
        const auto now = std::chrono::steady_clock::now();
        close_at(now + (deadline_ - now) / static_cast<long>(addresses->size() - i));
        ec = co_await try_address((*addresses)[i]);
        close_at(deadline_);
        if (!ec) co_return Result<void>{};
    }
    co_return fail(failure("connecting", ec));
}

asio::awaitable<error_code> HttpPost::try_address(asio::ip::address address) {
    error_code ec;
    socket_.close(ec);  // The attempt before this one, whatever became of it.
    const tcp::endpoint endpoint(address, request_.url.port);
    const auto [connected] =
        co_await socket_.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    if (connected) co_return connected;
    // Closed between the success and this line.
    if (!socket_.is_open()) co_return make_error_code(asio::error::timed_out);
    socket_.set_option(tcp::no_delay(true), ec);  // Fails on a dead socket; writing says so too.
    co_return error_code{};
}

asio::awaitable<Result<HttpAnswer>> HttpPost::exchange_in_tls() {
    if (!parts_.tls) co_return fail(failure("this worker was not set up for https"));
    ssl::stream<tcp::socket&> stream(socket_, *parts_.tls);
    expect_host(stream, request_.url.host);
    const auto [ec] = co_await stream.async_handshake(ssl::stream_base::client,
                                                      asio::as_tuple(asio::use_awaitable));
    if (ec) co_return fail(failure("agreeing on TLS", ec));
    Result<HttpAnswer> answer = co_await exchange(stream);
    co_return answer;
}

template <class Stream>
asio::awaitable<Result<HttpAnswer>> HttpPost::exchange(Stream& stream) {
    if (timed_out_ || cut_) co_return fail(failure("connecting", {}));
    // Head and body in one write: hives in the field read once and parse what they got.
    const std::string sent = wire();
    const auto [write_error, written] =
        co_await asio::async_write(stream, asio::buffer(sent), asio::as_tuple(asio::use_awaitable));
    if (write_error) co_return fail(failure("sending", write_error));

    ResponseParser parser;
    std::array<char, read_bytes> buffer;
    for (;;) {
        const auto [ec, got] = co_await stream.async_read_some(asio::buffer(buffer),
                                                               asio::as_tuple(asio::use_awaitable));
        const Result<Progress> progress =
            ec ? Progress::wants_more : parser.take({buffer.data(), got});
        if (!progress) co_return fail(failure(progress.error().message));
        if (!ec && *progress == Progress::wants_more) continue;
        const std::optional<HttpAnswer> answer = parser.answer();
        if (!answer) co_return fail(failure("waiting for the reply", ec));
        co_return *answer;
    }
}

std::string HttpPost::wire() const {
    error_code ec;  // The connection may break at any time; then nobody reads the address.
    const std::string body = request_.body(socket_.local_endpoint(ec).address());
    std::string text = fmt::format(
        "POST {} HTTP/1.1\r\n"
        "Host: {}\r\n"
        "User-Agent: {}\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: {}\r\n"
        "X-Correlation-ID: {}\r\n"
        "Connection: close\r\n",
        request_.url.target, request_.url.authority(), parts_.program, body.size(),
        request_.correlation_id);
    if (!request_.bearer.empty()) text += "Authorization: Bearer " + request_.bearer + "\r\n";
    return text + "\r\n" + body;
}

void HttpPost::cut() {
    cut_ = true;
    close();
}

void HttpPost::close_at(std::chrono::steady_clock::time_point time) {
    timer_.expires_at(time);
    timer_.async_wait([weak = weak_from_this()](error_code) {
        if (const auto self = weak.lock()) self->close_if_due();
    });
}

void HttpPost::close_if_due() {
    const auto now = std::chrono::steady_clock::now();
    // A wait that was replaced while its end was already queued ends here, before its time.
    if (timer_.expiry() > now) return;
    timed_out_ = deadline_ <= now;
    close();
}

void HttpPost::close() {
    error_code ec;
    socket_.close(ec);  // The descriptor is gone even where this reports an error.
    lookup_.cancel();
}

Error HttpPost::failure(std::string_view doing, const error_code& ec) const {
    if (timed_out_) {
        Error error =
            failure(fmt::format("no reply within {} ms ({})", request_.timeout.count(), doing));
        error.code = ErrorCode::timeout;
        return error;
    }
    if (cut_) return failure("the call was given up");
    const bool ended = ec == asio::error::eof || ec == ssl::error::stream_truncated;
    if (ended) return failure("it closed the connection before it replied");
    return failure(fmt::format("{} ({})", ec.message(), doing));
}

Error HttpPost::failure(std::string_view reason) const {
    return {ErrorCode::hive_unreachable, request_.url.place() + ": " + std::string(reason),
            std::nullopt};
}

}  // namespace worker

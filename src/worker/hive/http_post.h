#pragma once

#include "worker/base/clock.h"
#include "worker/base/result.h"
#include "worker/hive/name_lookup.h"
#include "worker/hive/response_parser.h"
#include "worker/hive/url.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace worker {

// What all calls of a worker share.
struct PostParts {
    boost::asio::any_io_executor executor;
    std::string program;  // for User-Agent: "llm-worker-rbee/0.1.0"
    // Whose certificates are trusted. Needed for https only.
    std::shared_ptr<boost::asio::ssl::context> tls = {};
    std::shared_ptr<NameLookup::Running> lookups = std::make_shared<NameLookup::Running>(0);
};

// Trusts whom this machine trusts. Reads files.
std::shared_ptr<boost::asio::ssl::context> trust_of_this_machine();

struct PostRequest {
    Url url;
    // JSON. Asked for once connected, with our end of the connection.
    std::function<std::string(const boost::asio::ip::address& local)> body;
    std::string bearer = {};                   // empty: none; without control characters
    std::string correlation_id = {};           // empty: a new one
    std::chrono::milliseconds timeout{5'000};  // for all of the call
};

// One POST over a connection of its own. A peer may do what it wants: refuse, stay silent, send a
// byte a second or without end, half-close, reset, send rubbish; the call ends in time. Thread: io.
class HttpPost : public std::enable_shared_from_this<HttpPost> {
public:
    HttpPost(PostParts parts, PostRequest request);

    // The reply, whatever its status: it counts once its head is complete. Errors: timeout and
    // hive_unreachable, naming host and port, without a secret. Requires: called once; the call is
    // held by a shared_ptr, and outlives it.
    boost::asio::awaitable<Result<HttpAnswer>> run();

    // Ends the call: `run` returns soon, and `body` is not asked for any more.
    void cut();

    const std::string& correlation_id() const { return request_.correlation_id; }

private:
    boost::asio::awaitable<Result<HttpAnswer>> connect_and_exchange();
    boost::asio::awaitable<Result<void>> connect();
    boost::asio::awaitable<boost::system::error_code> try_address(boost::asio::ip::address address);
    boost::asio::awaitable<Result<HttpAnswer>> exchange_in_tls();
    template <class Stream>
    boost::asio::awaitable<Result<HttpAnswer>> exchange(Stream& stream);

    std::string wire() const;
    void close_at(std::chrono::steady_clock::time_point time);
    void close_if_due();
    void close();
    Error failure(std::string_view doing, const boost::system::error_code& ec) const;
    Error failure(std::string_view reason) const;

    const PostParts parts_;
    PostRequest request_;
    const std::chrono::steady_clock::time_point deadline_;
    NameLookup lookup_;
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer timer_;
    bool timed_out_ = false;
    bool cut_ = false;
};

}  // namespace worker

#pragma once

#include "worker/base/result.h"
#include "worker/http/message.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker {

// The way back to the client of one request. Exactly one of `send` and `begin_stream` is called,
// once. Thread: io.
class ReplyWriter {
public:
    virtual ~ReplyWriter() = default;

    // Goes out when the handler has returned, so that nothing the handler owns waits for a slow
    // client.
    virtual void send(Response response) = 0;

    // The status line and head of a server-sent event stream (contract 4.4's headers are added).
    // False: the client has left, or asked for the head only; the stream is over.
    virtual boost::asio::awaitable<bool> begin_stream(
        std::vector<std::pair<std::string, std::string>> fields) = 0;
    // Bytes of the stream, written before it returns. False: the client has left, or took no byte
    // for `HttpLimits::write_idle`; the stream is over.
    virtual boost::asio::awaitable<bool> write(std::string bytes) = 0;
};

// Serves one request. When the client leaves, the coroutine is cancelled where it waits (a plain
// wait throws operation_aborted from then on); whatever it owns is then destroyed. `request` and
// `reply` outlive it. Errors: what it throws is logged, and answered by 500 where that is possible.
using Handler = std::function<boost::asio::awaitable<void>(Request& request, ReplyWriter& reply)>;

// Who may call a route when a token is set; `token_or_loopback` keeps others out even without one.
enum class Access : std::uint8_t { open, token, token_or_loopback };

struct Route {
    std::string method;   // "GET", "POST", "DELETE"
    std::string pattern;  // "/v1/jobs/{id}/stream": a name in braces takes one segment
    Access access = Access::token;
    Handler handler;
    // Turns an error of this route into a reply. OpenAI's routes have their own shape.
    std::function<Response(const Error&)> error_shape = error_response;
    bool json_body = false;  // a body is required and must say Content-Type: application/json
};

struct RouteMatch {
    const Route* route;
    std::map<std::string, std::string> params;  // decoded, never empty
};

// The routes of a worker. Complete before the server starts; constant after that. Where several
// match, the one added first serves. `path` is still percent-encoded throughout.
class Router {
public:
    // Requires: a pattern that begins with '/', and a handler.
    void add(Route route);

    // HEAD matches GET. Errors: bad_request (a bad escape), not_found, method_not_allowed.
    Result<RouteMatch> find(std::string_view method, std::string_view path) const;
    // The methods of a path, as Allow lists them; empty where there is nothing.
    std::string methods(std::string_view path) const;
    // The reply to an error of `find`, in the shape of the path's own routes, with Allow where the
    // method was wrong.
    Response refusal(const Error& error, std::string_view path) const;

private:
    struct Entry {
        Route route;
        std::vector<std::string> segments;  // of the pattern
    };

    // Whatever their method.
    std::vector<const Entry*> entries_at(std::string_view path) const;

    std::vector<Entry> entries_;
};

}  // namespace worker

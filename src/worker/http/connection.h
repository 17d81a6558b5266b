#pragma once

#include "worker/base/result.h"
#include "worker/http/client_socket.h"
#include "worker/http/connection_quota.h"
#include "worker/http/local_caller.h"
#include "worker/http/reply.h"
#include "worker/http/request_parser.h"
#include "worker/http/router.h"
#include "worker/http/service.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <tl/expected.hpp>

#include <memory>
#include <string>

namespace worker {

struct Client {
    boost::asio::ip::tcp::socket socket;
    Endpoints endpoints;
    std::unique_ptr<ConnectionQuota::Place> place;
};

// Serves the requests of one client, one after the other. Thread: io.
class Connection {
public:
    Connection(HttpService& service, Client client);

    // Until one of the two ends it. Requires: called once; the connection outlives it.
    boost::asio::awaitable<void> run();

    // Ends it where no byte of a request has come.
    void end_if_idle();
    // Whatever waits returns, and a handler is cancelled.
    void cut();

private:
    enum class Next { serve, close, cut };

    // A whole request, admitted to its route.
    struct Received {
        Request request;
        const Route* route;
        ReplyForm form;
    };

    // False: no TLS came about.
    boost::asio::awaitable<bool> shake_hands();
    boost::asio::awaitable<Next> serve_one();
    boost::asio::awaitable<bool> first_byte();
    bool has_to_show_a_token() const;
    // Where there is nothing to handle: a refusal was sent, or the client is gone.
    boost::asio::awaitable<tl::expected<Received, Next>> receive();
    // Errors: what the client is to be told; `cancelled` when it is gone.
    boost::asio::awaitable<Result<RequestHead>> read_head(RequestParser& parser);
    boost::asio::awaitable<Result<void>> read_body(RequestParser& parser, bool expects_continue);
    Error reading_failed() const;

    boost::asio::awaitable<Next> handle(Received& received);
    boost::asio::awaitable<void> watch_client();
    boost::asio::awaitable<Next> send(Response response, ReplyForm form);
    Next after_reply(bool close) const;
    boost::asio::awaitable<void> linger();

    HttpService& service_;
    const HttpLimits& limits_;
    const Endpoints endpoints_;
    const std::unique_ptr<ConnectionQuota::Place> place_;
    const std::shared_ptr<ClientSocket> socket_;
    std::string input_;  // received, not yet parsed
    bool idle_ = true;
};

}  // namespace worker

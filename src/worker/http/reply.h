#pragma once

#include "worker/http/client_socket.h"
#include "worker/http/response_head.h"
#include "worker/http/router.h"
#include "worker/http/service.h"
#include "worker/http/trace.h"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace worker {

// What a request says about the form of its reply.
struct ReplyForm {
    bool head_only = false;
    bool http_1_0 = false;
    bool close = false;
    Trace trace = {};
    std::vector<std::pair<std::string, std::string>> fields = {};  // on whatever the reply is
};

// The bytes of a whole reply.
std::string to_wire(const Response& response, const ReplyForm& form);

// Keeps a reply until the handler has ended; writes a stream as it comes. Thread: io.
class Reply final : public ReplyWriter {
public:
    Reply(ClientSocket& socket, ReplyForm form, const HttpService& service);

    void send(Response response) override;
    boost::asio::awaitable<bool> begin_stream(
        std::vector<std::pair<std::string, std::string>> fields) override;
    boost::asio::awaitable<bool> write(std::string bytes) override;

    // What follows is for the connection, after the handler has ended.
    std::optional<Response> take_response() { return std::exchange(response_, std::nullopt); }
    bool begun() const { return streaming_ || response_; }
    bool streaming() const { return streaming_; }
    // False: the connection cannot take another request.
    boost::asio::awaitable<bool> end_stream();

private:
    boost::asio::awaitable<bool> write_now(std::string bytes);

    ClientSocket& socket_;
    const ReplyForm form_;
    const HttpService& service_;
    std::optional<Response> response_;
    bool streaming_ = false;
    bool broken_ = false;
};

}  // namespace worker

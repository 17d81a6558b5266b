// What routes see of HTTP. Nothing here, and nothing that includes it, knows which library parses.
#pragma once

#include "worker/base/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker {

// Header fields in the order of arrival; names in lower case.
class Fields {
public:
    // `name` in lower case.
    void add(std::string name, std::string value) {
        fields_.emplace_back(std::move(name), std::move(value));
    }
    // The first value; nothing when absent. `name` in lower case.
    std::optional<std::string_view> find(std::string_view name) const;
    std::size_t count(std::string_view name) const;

    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

// A complete request: its head and its whole body, within the limits.
struct Request {
    std::string method = {};  // "GET"; HEAD is served as GET
    // Percent-decoded, without query. For choosing among a route's paths and for logs; a slash that
    // came as %2F inside a segment is told from a separator in `params` only.
    std::string path = {};
    std::string query = {};                          // raw, without '?'
    std::map<std::string, std::string> params = {};  // from the route's pattern: {"id", "job-1"}
    Fields fields = {};
    std::string body = {};
    std::string correlation_id = {};
    std::string traceparent = {};  // as received; empty when absent or malformed
    std::string peer_address = {};
    bool loopback = false;  // contract 6: a loopback peer without signs of a proxy or a web page
    // Who showed a valid token: the same opaque text for the same token; empty where none was
    // shown.
    std::string caller = {};

    // The decoded value of one query parameter; nothing when absent or badly encoded.
    std::optional<std::string> query_value(std::string_view name) const;
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body = {};
    std::vector<std::pair<std::string, std::string>> fields = {};  // beside the usual ones
    bool close = false;                    // end the connection after this reply
    std::function<void()> when_sent = {};  // called once it is written, or its client has left
};

// A WorkerError body with its status and, where known, Retry-After. Source: wire contract, 5.
Response error_response(const Error& error);

}  // namespace worker

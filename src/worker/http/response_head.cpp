#include "worker/http/response_head.h"

#include "worker/base/assert.h"

#include <boost/beast/http/status.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace worker {
namespace {

void append_field(std::string& out, const std::string& name, std::string value) {
    std::replace_if(
        value.begin(), value.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; },
        ' ');
    out += name + ": " + value + "\r\n";
}

std::string reason(int status) {
    namespace http = boost::beast::http;
    return std::string(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status))));
}

// Source: RFC 9110, section 5.6.7 (IMF-fixdate).
std::string http_date(std::time_t now) {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
}

}  // namespace

std::string to_wire(const ResponseHead& head, std::time_t now) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", head.status, reason(head.status));
    if (!head.content_type.empty()) append_field(out, "content-type", head.content_type);
    if (head.content_length) {
        append_field(out, "content-length", std::to_string(*head.content_length));
    }
    if (head.chunked) append_field(out, "transfer-encoding", "chunked");
    append_field(out, "x-correlation-id", head.trace.correlation_id);
    append_field(out, "x-request-id", head.trace.correlation_id);
    if (!head.trace.traceparent.empty()) append_field(out, "traceparent", head.trace.traceparent);
    append_field(out, "date", http_date(now));
    for (const auto& [name, value] : head.fields) append_field(out, name, value);
    if (head.close) append_field(out, "connection", "close");
    return out + "\r\n";
}

std::string to_chunk(const std::string& bytes) {
    WORKER_ASSERT(!bytes.empty());
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace worker

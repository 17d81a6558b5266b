#pragma once

#include "worker/base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace worker {

// What stands between the method and the version of a request line.
struct RequestTarget {
    std::string path;  // still percent-encoded; begins with '/'
    std::string query;
    std::optional<std::string> authority;  // of the absolute form; counts instead of Host
};

// Origin form and absolute form; the others are for proxies and for OPTIONS *.
// Source: RFC 9112, section 3.2. Errors: bad_request.
Result<RequestTarget> parse_request_target(std::string_view text);

// Nothing for a bad escape and for what no path or parameter of ours can hold: control characters
// and bytes that are not UTF-8. Source: RFC 3986, section 2.1.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace worker

#pragma once

#include "worker/http/trace.h"

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker {

// The part of a reply before its body.
struct ResponseHead {
    int status = 200;
    std::string content_type = {};                             // empty: none is sent
    std::optional<std::size_t> content_length = std::nullopt;  // nothing: see `chunked`
    bool chunked = false;  // neither: the end of the connection ends the body
    bool close = false;
    Trace trace = {};
    std::vector<std::pair<std::string, std::string>> fields = {};
};

// As bytes, blank line included. A line break inside a value becomes a space.
// Source: RFC 9112, section 4; wire contract, 6.
std::string to_wire(const ResponseHead& head, std::time_t now);

// One chunk. Requires: `bytes` is not empty; that would end the body. Source: RFC 9112,
// section 7.1.
std::string to_chunk(const std::string& bytes);

inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace worker

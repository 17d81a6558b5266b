#pragma once

#include "worker/base/result.h"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace worker {

// Parses one JSON text strictly: no duplicate keys, no number beyond a double's range, at most
// `json_depth_max` levels, nothing after the value. Source: RFC 8259, RFC 7493 (I-JSON).
// Errors: invalid_json, with line and column.
Result<boost::json::value> parse_json(std::string_view text);

inline constexpr std::size_t json_depth_max = 32;

// `text` with quotes, escaped for JSON. Requires: valid UTF-8.
// The hot path of streaming; everything else goes through Boost.JSON's serialiser.
void append_json_string(std::string& out, std::string_view text);

}  // namespace worker

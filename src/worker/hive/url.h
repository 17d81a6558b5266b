#pragma once

#include "worker/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace worker {

// Where a hive listens. What stands before an @ in a URL is not kept, so that it is neither sent
// nor logged.
struct Url {
    enum class Scheme : std::uint8_t { http, https };

    Scheme scheme = Scheme::http;
    std::string host;        // a name or an address; IPv6 without its brackets
    std::uint16_t port = 0;  // the scheme's own where none was given
    std::string target;      // path and query as given, never empty; no fragment

    // For the Host field: without the scheme's own port.
    std::string authority() const;
    // "host:port", for people.
    std::string place() const;
    // The place and the path. A query may hold a secret, so it is left out.
    std::string shown() const;
    // Without the query, and without a slash at its end.
    std::string path() const;
    // The same place with another target.
    Url with_target(std::string other) const;
};

inline constexpr std::size_t url_bytes_max = 2048;

// An http or https URL. Source: RFC 3986, with the characters of a host kept to those of names and
// addresses. Errors: config_invalid, without a word of the URL: it may hold a password.
Result<Url> parse_url(std::string_view text);

}  // namespace worker

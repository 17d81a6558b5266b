#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace worker {

// How this worker is reached, as far as it knows itself.
struct ServedAt {
    std::optional<std::string> advertise_url = {};  // where an operator said so
    std::string host = {};                          // that it is bound to
    std::uint16_t port = 0;
    bool with_tls = false;
};

// The `url` that a hive gets: what the operator said; localhost where this worker listens there or
// the hive is on this machine; else our end of the connection to the hive.
// Source: wire contract, 1, `--advertise-url`.
std::string advertised_url(const ServedAt& served, const boost::asio::ip::address& local);

}  // namespace worker

#include "worker/http/local_caller.h"

#include "worker/http/tokens.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace worker {
namespace {

// "localhost:8080" → "localhost"; "[::1]:8080" → "::1"; empty when malformed.
std::string_view host_of(std::string_view authority) {
    std::string_view host;
    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        if (end == authority.npos) return {};
        host = authority.substr(1, end - 1);
        port = authority.substr(end + 1);
    } else {
        const std::size_t colon = std::min(authority.find(':'), authority.size());
        host = authority.substr(0, colon);
        port = authority.substr(colon);
    }
    if (port.empty()) return host;
    const bool is_port = port.front() == ':' && std::all_of(port.begin() + 1, port.end(), is_digit);
    return is_port ? host : std::string_view{};
}

// The host and port of an origin that is written in full; empty for "null".
std::string_view authority_of_origin(std::string_view origin) {
    const std::size_t scheme_end = origin.find("://");
    return scheme_end == origin.npos ? std::string_view{} : origin.substr(scheme_end + 3);
}

bool comes_from_elsewhere(const std::string& name, std::string_view value,
                          std::string_view authority) {
    if (name == "forwarded" || name == "via" || name.starts_with("x-forwarded-")) return true;
    if (name == "origin") return !equals_ignoring_case(authority_of_origin(value), authority);
    if (name == "sec-fetch-site") return value != "same-origin" && value != "none";
    return false;
}

}  // namespace

bool is_loopback_address(std::string_view address) {
    boost::system::error_code ec;
    const auto parsed = boost::asio::ip::make_address(address, ec);
    return !ec && parsed.is_loopback();
}

bool names_this_server(std::string_view authority, const Endpoints& endpoints) {
    if (authority.empty()) return true;
    const std::string_view host = host_of(authority);
    if (host.empty()) return false;
    return equals_ignoring_case(host, "localhost") || is_loopback_address(host) ||
           equals_ignoring_case(host, endpoints.bound) ||
           equals_ignoring_case(host, endpoints.local);
}

bool is_local_caller(const Fields& fields, std::string_view authority, const Endpoints& endpoints) {
    return is_loopback_address(endpoints.peer) && names_this_server(authority, endpoints) &&
           std::none_of(fields.begin(), fields.end(), [&](const auto& field) {
               return comes_from_elsewhere(field.first, field.second, authority);
           });
}

}  // namespace worker

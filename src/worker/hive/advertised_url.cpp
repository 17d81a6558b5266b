#include "worker/hive/advertised_url.h"

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

namespace worker {
namespace {

namespace ip = boost::asio::ip;

// IPv4 in its own form, and without a zone, which has no meaning on another machine.
ip::address plain(const ip::address& address) {
    if (address.is_v4()) return address;
    ip::address_v6 v6 = address.to_v6();
    if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
    v6.scope_id(0);
    return v6;
}

bool is_loopback_host(const std::string& host) {
    if (host == "localhost") return true;
    boost::system::error_code ec;
    const ip::address address = ip::make_address(host, ec);
    return !ec && plain(address).is_loopback();
}

}  // namespace

std::string advertised_url(const ServedAt& served, const ip::address& local) {
    if (served.advertise_url) return *served.advertise_url;
    const std::string scheme = served.with_tls ? "https://" : "http://";
    const std::string port = ":" + std::to_string(served.port);
    const ip::address ours = plain(local);
    if (is_loopback_host(served.host) || ours.is_loopback()) return scheme + "localhost" + port;
    const std::string text = ours.to_string();
    return scheme + (ours.is_v6() ? "[" + text + "]" : text) + port;
}

}  // namespace worker

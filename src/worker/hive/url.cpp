#include "worker/hive/url.h"

#include "worker/base/quantities.h"

#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <utility>

namespace worker {
namespace {

constexpr std::size_t host_bytes_max = 253;

tl::unexpected<Error> refused(std::string_view reason) {
    return fail(ErrorCode::config_invalid,
                "not an http:// or https:// URL: " + std::string(reason));
}

bool is_visible_ascii(char c) {
    return c > 0x20 && c < 0x7f;
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

bool is_host_name(std::string_view host) {
    return !host.empty() && host.size() <= host_bytes_max &&
           std::all_of(host.begin(), host.end(), is_host_character);
}

bool is_ipv6(std::string_view host) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address_v6(std::string(host), ec);
    // A zone has no meaning for the other end, so a Host field cannot carry it.
    return !ec && address.scope_id() == 0 && host.find('%') == host.npos;
}

std::uint16_t own_port(Url::Scheme scheme) {
    return scheme == Url::Scheme::http ? 80 : 443;
}

// Takes `prefix` off the front of `text`, in any case.
bool take_prefix(std::string_view& text, std::string_view prefix) {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    if (text.size() < prefix.size()) return false;
    if (!std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [&](char wanted, char given) { return same(given, wanted); }))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

Result<std::uint16_t> parse_port(std::string_view text) {
    const std::optional<std::uint64_t> port = parse_decimal(text);
    if (!port || *port == 0 || !std::in_range<std::uint16_t>(*port)) {
        return refused("its port is not a number from 1 to 65535");
    }
    return static_cast<std::uint16_t>(*port);
}

// Sets host and port from "name", "name:port", "[v6]" or "[v6]:port".
Result<void> take_authority(Url& url, std::string_view text) {
    const bool bracketed = text.starts_with('[');
    const std::size_t host_end = std::min(bracketed ? text.find(']') : text.find(':'), text.size());
    if (bracketed && host_end == text.size()) return refused("its [ is not closed");

    const std::string_view host =
        bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end);
    if (bracketed ? !is_ipv6(host) : !is_host_name(host)) return refused("its host is malformed");
    url.host = host;

    const std::string_view rest = text.substr(host_end + (bracketed ? 1 : 0));
    if (rest.empty()) return {};
    if (!rest.starts_with(':')) return refused("its host is malformed");
    const Result<std::uint16_t> port = parse_port(rest.substr(1));
    if (!port) return fail(port.error());
    url.port = *port;
    return {};
}

std::string bracketed_host(const Url& url) {
    return url.host.find(':') == url.host.npos ? url.host : "[" + url.host + "]";
}

}  // namespace

std::string Url::authority() const {
    return port == own_port(scheme) ? bracketed_host(*this) : place();
}

std::string Url::place() const {
    return bracketed_host(*this) + ":" + std::to_string(port);
}

std::string Url::shown() const {
    return place() + target.substr(0, target.find('?'));
}

std::string Url::path() const {
    const std::string whole = target.substr(0, target.find('?'));
    return whole.substr(0, whole.find_last_not_of('/') + 1);
}

Url Url::with_target(std::string other) const {
    return {.scheme = scheme, .host = host, .port = port, .target = std::move(other)};
}

Result<Url> parse_url(std::string_view text) {
    if (text.size() > url_bytes_max) return refused("it is longer than 2048 bytes");
    if (!std::all_of(text.begin(), text.end(), is_visible_ascii)) {
        return refused("it holds a blank, or a character beyond ASCII that is not escaped");
    }
    Url url;
    if (take_prefix(text, "https://")) {
        url.scheme = Url::Scheme::https;
    } else if (!take_prefix(text, "http://")) {
        return refused("it begins with neither");
    }
    url.port = own_port(url.scheme);

    const std::string_view authority = text.substr(0, text.find_first_of("/?#"));
    text.remove_prefix(authority.size());
    const std::size_t at = authority.rfind('@');
    const Result<void> taken =
        take_authority(url, at == authority.npos ? authority : authority.substr(at + 1));
    if (!taken) return fail(taken.error());

    url.target = text.substr(0, text.find('#'));
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

}  // namespace worker

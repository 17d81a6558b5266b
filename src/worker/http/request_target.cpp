#include "worker/http/request_target.h"

#include "worker/base/utf8.h"
#include "worker/http/tokens.h"

#include <algorithm>
#include <charconv>

namespace worker {
namespace {

constexpr std::size_t escape_length = 3;  // "%2F"

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_visible_ascii(char c) {
    return c > 0x20 && c < 0x7f;
}

// The octet of an escape that `text` begins with.
std::optional<char> decode_escape(std::string_view text) {
    if (text.size() < escape_length) return std::nullopt;
    unsigned value = 0;
    const char* const end = text.data() + escape_length;
    const auto [parsed_to, ec] = std::from_chars(text.data() + 1, end, value, 16);
    if (ec != std::errc() || parsed_to != end) return std::nullopt;
    return static_cast<char>(value);
}

// Removes "http://host:port" from an absolute form and returns its authority. Nothing when `text`
// is no absolute form that we could serve.
std::optional<std::string> take_authority(std::string_view& text) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!equals_ignoring_case(text.substr(0, scheme.size()), scheme)) continue;
        text.remove_prefix(scheme.size());
        std::string authority(text.substr(0, text.find_first_of("/?")));
        text.remove_prefix(authority.size());
        if (authority.empty()) return std::nullopt;
        return authority;
    }
    return std::nullopt;
}

}  // namespace

Result<RequestTarget> parse_request_target(std::string_view text) {
    const bool clean = std::all_of(text.begin(), text.end(), is_visible_ascii);
    if (!clean || text.find('#') != text.npos) {
        return fail(ErrorCode::bad_request,
                    "the request target has characters that must be "
                    "percent-encoded");
    }
    RequestTarget target;
    if (!text.starts_with('/')) {
        target.authority = take_authority(text);
        if (!target.authority) {
            return fail(ErrorCode::bad_request, "the request target must be a path or an http URL");
        }
    }
    const std::size_t path_length = std::min(text.find('?'), text.size());
    target.path = path_length == 0 ? "/" : text.substr(0, path_length);
    target.query = text.substr(std::min(path_length + 1, text.size()));
    return target;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    while (!text.empty()) {
        const bool escaped = text[0] == '%';
        const std::optional<char> octet = escaped ? decode_escape(text) : text[0];
        if (!octet || is_control(*octet)) return std::nullopt;
        decoded += *octet;
        text.remove_prefix(escaped ? escape_length : 1);
    }
    if (!is_utf8(decoded)) return std::nullopt;
    return decoded;
}

}  // namespace worker

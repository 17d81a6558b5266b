#include "worker/app/flag_value.h"

#include "worker/base/quantities.h"
#include "worker/base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <span>

namespace worker {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t text_bytes_max = 4096;
constexpr std::size_t identifier_characters_max = 256;

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_alphanumeric(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::optional<std::string> read_text(std::string_view text) {
    if (text.empty() || text.size() > text_bytes_max || !is_utf8(text)) return {};
    if (std::any_of(text.begin(), text.end(), is_control)) return {};
    return std::string(text);
}

std::string write_text(const std::string& text) {
    return text;
}

// "example.org", "10.0.0.1:8080", "[::1]:80": a host and perhaps a port. Source: RFC 3986, 3.2.
bool is_host_and_port(std::string_view text) {
    std::string_view host = text;
    const std::size_t mark = text.find_last_of(":]");
    if (mark != std::string_view::npos && text[mark] == ':') {
        const auto port = number<std::uint16_t>({.min = 1, .max = 65535});
        if (!port.read(text.substr(mark + 1))) return false;
        host = text.substr(0, mark);
    }
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    const std::string_view marks = bracketed ? ":.%" : "-._~%";
    return !host.empty() && std::all_of(host.begin(), host.end(), [marks](char c) {
        return is_alphanumeric(c) || marks.find(c) != std::string_view::npos;
    });
}

// What follows http:// or https://; nothing for other schemes.
std::optional<std::string_view> after_scheme(std::string_view url) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (lower_case(url.substr(0, scheme.size())) == scheme) return url.substr(scheme.size());
    }
    return {};
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// `count` in the largest of `units` (largest first) that gives a whole number.
std::string write_exactly(std::uint64_t count, std::span<const Unit> units) {
    for (const Unit& unit : units) {
        if (count != 0 && count % unit.factor == 0)
            return fmt::format("{}{}", count / unit.factor, unit.name);
    }
    return fmt::format("{}{}", count, units.back().name);
}

std::string write_size(const std::uint64_t& bytes) {
    static constexpr std::array<Unit, 4> units{
        {{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"", 1}}};
    return write_exactly(bytes, units);
}

std::string write_duration(const milliseconds& time) {
    static constexpr std::array<Unit, 4> units{
        {{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
    return write_exactly(static_cast<std::uint64_t>(time.count()), units);
}

template <class T>
std::optional<T> within(const Result<T>& value, Range<T> range) {
    if (!value || *value < range.min || *value > range.max) return {};
    return *value;
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
    return fmt::format("{}", fmt::join(words, between));
}

std::vector<std::string_view> split_list(std::string_view text) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t comma = text.find(',');
        std::string_view part = text.substr(0, comma);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        parts.push_back(part);
        if (comma == std::string_view::npos) return parts;
        text.remove_prefix(comma + 1);
    }
}

ValueKind<std::string> plain_text() {
    return {.expects = "1 to 4096 bytes of UTF-8 without control characters",
            .read = read_text,
            .write = write_text};
}

ValueKind<std::string> identifier() {
    const auto read = [](std::string_view text) -> std::optional<std::string> {
        const auto allowed = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; };
        if (text.empty() || text.size() > identifier_characters_max) return {};
        if (!std::all_of(text.begin(), text.end(), allowed)) return {};
        return std::string(text);
    };
    return {.expects = "1 to 256 characters of A-Z a-z 0-9 _ -", .read = read, .write = write_text};
}

ValueKind<std::string> http_url() {
    const auto read = [](std::string_view text) -> std::optional<std::string> {
        const std::optional<std::string_view> rest = after_scheme(text);
        if (!rest || !is_host_and_port(rest->substr(0, rest->find_first_of("/?#")))) return {};
        if (text.find_first_of(" #") != std::string_view::npos) return {};
        return read_text(text);
    };
    const auto write = [](const std::string& url) {
        const std::size_t query = url.find('?');
        return query == std::string::npos ? url : url.substr(0, query) + "?***";
    };
    return {.expects = "an http:// or https:// URL with a host, without user name or password",
            .read = read,
            .write = write};
}

ValueKind<std::string> web_origin() {
    const auto read = [](std::string_view text) -> std::optional<std::string> {
        const std::optional<std::string_view> rest = after_scheme(text);
        if (text != "*" && !(rest && is_host_and_port(*rest))) return {};
        return std::string(text);
    };
    return {.expects = "an origin such as https://example.org (without a path), or *",
            .read = read,
            .write = write_text};
}

ValueKind<std::string> bind_address() {
    const auto read = [](std::string_view text) -> std::optional<std::string> {
        if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
        const auto allowed = [](char c) {
            return is_alphanumeric(c) ||
                   std::string_view("-._:%").find(c) != std::string_view::npos;
        };
        if (text.empty() || text.size() > identifier_characters_max) return {};
        if (!std::all_of(text.begin(), text.end(), allowed)) return {};
        return std::string(text);
    };
    return {.expects = "an IP address or a host name", .read = read, .write = write_text};
}

ValueKind<bool> yes_or_no() {
    ValueKind<bool> kind = one_of<bool>({{"true", true},
                                         {"false", false},
                                         {"1", true},
                                         {"0", false},
                                         {"yes", true},
                                         {"no", false},
                                         {"on", true},
                                         {"off", false}});
    kind.quoted = false;
    return kind;
}

ValueKind<bool> negated(ValueKind<bool> kind) {
    return {
        .expects = kind.expects,
        .read = [read = kind.read](std::string_view text) -> std::optional<bool> {
            const std::optional<bool> value = read(text);
            if (!value) return {};
            return !*value;
        },
        .write = [write = kind.write](const bool& value) { return write(!value); },
        .quoted = kind.quoted,
    };
}

ValueKind<float> proportion() {
    const auto read = [](std::string_view text) -> std::optional<float> {
        float value = 0;
        const char* const end = text.data() + text.size();
        const auto [stop, failure] = std::from_chars(text.data(), end, value);
        if (failure != std::errc{} || stop != end || !std::isfinite(value) || value < 0) return {};
        return value;
    };
    return {.expects = "a number of 0 or more", .read = read, .write = [](const float& value) {
                return fmt::format("{}", value);
            }};
}

ValueKind<std::uint64_t> byte_size(Range<std::uint64_t> bytes) {
    return {.expects = fmt::format("a size from {} to {}, such as 512MiB", write_size(bytes.min),
                                   write_size(bytes.max)),
            .read = [bytes](std::string_view text) { return within(parse_size(text), bytes); },
            .write = write_size};
}

ValueKind<milliseconds> duration(Range<milliseconds> range) {
    return {.expects = fmt::format("a duration from {} to {}, such as 1500ms or 30s",
                                   write_duration(range.min), write_duration(range.max)),
            .read = [range](std::string_view text) { return within(parse_duration(text), range); },
            .write = write_duration};
}

ValueKind<std::string> one_of(const std::vector<std::string>& words) {
    std::vector<Choice<std::string>> choices;
    for (const std::string& word : words) choices.push_back({word, word});
    return one_of<std::string>(std::move(choices));
}

}  // namespace worker

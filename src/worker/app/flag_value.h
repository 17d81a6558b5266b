#pragma once

#include "worker/app/flag.h"

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker {

// How values of one kind are read and written.
template <class T>
struct ValueKind {
    std::string expects;  // a refusal says "must be " and this
    std::function<std::optional<T>(std::string_view text)> read;
    std::function<std::string(const T&)> write;
    bool quoted = true;  // what `write` gives needs quotes to be a TOML value
};

// Both ends included.
template <class T>
struct Range {
    T min;
    T max;
};

template <class T>
struct Choice {
    std::string word;  // lower case
    T value;
};

// Text to hand on as it is: not empty, at most 4096 bytes of UTF-8, no control characters.
ValueKind<std::string> plain_text();
// [A-Za-z0-9_-]{1,256}
ValueKind<std::string> identifier();
// http:// or https://, a host, no user name or password. Written without its query, which may hold
// a secret.
ValueKind<std::string> http_url();
// "https://example.org:8443" or "*". Source: RFC 6454, section 6.2.
ValueKind<std::string> web_origin();
// An address, with or without the brackets of IPv6, or a host name.
ValueKind<std::string> bind_address();
// 1 true yes on, 0 false no off, any case.
ValueKind<bool> yes_or_no();
ValueKind<bool> negated(ValueKind<bool> kind);
ValueKind<float> proportion();
// As parse_size: "512MiB".
ValueKind<std::uint64_t> byte_size(Range<std::uint64_t> bytes);
// As parse_duration: "30s".
ValueKind<std::chrono::milliseconds> duration(Range<std::chrono::milliseconds> range);
// One of `words`, any case.
ValueKind<std::string> one_of(const std::vector<std::string>& words);

template <std::integral T>
ValueKind<T> number(Range<T> range) {
    return {
        .expects =
            "a number from " + std::to_string(range.min) + " to " + std::to_string(range.max),
        .read = [range](std::string_view text) -> std::optional<T> {
            T value{};
            const char* const end = text.data() + text.size();
            const auto [stop, failure] = std::from_chars(text.data(), end, value);
            if (failure != std::errc{} || stop != end) return {};
            if (value < range.min || value > range.max) return {};
            return value;
        },
        .write = [](const T& value) { return std::to_string(value); },
        .quoted = false,
    };
}

std::string lower_case(std::string_view text);
// "a, b, c"
std::string joined(const std::vector<std::string>& words, std::string_view between = ", ");
// "a,b,c" → its parts without the blanks around them; "" → one empty part.
std::vector<std::string_view> split_list(std::string_view text);

// The first choice of a value is how it is written.
template <class T>
ValueKind<T> one_of(std::vector<Choice<T>> choices) {
    std::vector<std::string> words;
    for (const Choice<T>& choice : choices) words.push_back(choice.word);
    return {
        .expects = "one of " + joined(words),
        .read = [choices](std::string_view text) -> std::optional<T> {
            const std::string word = lower_case(text);
            for (const Choice<T>& choice : choices) {
                if (choice.word == word) return choice.value;
            }
            return {};
        },
        .write = [choices](const T& value) -> std::string {
            for (const Choice<T>& choice : choices) {
                if (choice.value == value) return choice.word;
            }
            return {};
        },
    };
}

// `items` separated by commas, at most 64.
template <class T>
ValueKind<std::vector<T>> list_of(ValueKind<T> item) {
    constexpr std::size_t items_max = 64;
    return {
        .expects = item.expects + ", or several with commas between them",
        .read = [item](std::string_view text) -> std::optional<std::vector<T>> {
            const std::vector<std::string_view> parts = split_list(text);
            if (parts.size() > items_max) return {};
            std::vector<T> values;
            for (const std::string_view part : parts) {
                std::optional<T> value = item.read(part);
                if (!value) return {};
                values.push_back(std::move(*value));
            }
            return values;
        },
        .write =
            [item](const std::vector<T>& values) {
                std::vector<std::string> texts;
                for (const T& value : values) texts.push_back(item.write(value));
                return joined(texts, ",");
            },
    };
}

// A setting of `kind` whose values go to `assign` and whose present one is `show`n.
template <class T>
Setting make_setting(const ValueKind<T>& kind, std::function<void(T)> assign,
                     std::function<std::string()> show) {
    return {
        .apply = [expects = kind.expects, read = kind.read,
                  assign = std::move(assign)](std::string_view text) -> Result<void> {
            std::optional<T> value = read(text);
            if (!value) return fail(ErrorCode::usage_invalid, "must be " + expects);
            assign(std::move(*value));
            return {};
        },
        .show = std::move(show),
        .quoted = kind.quoted,
    };
}

// Requires, of each: `field` outlives the setting.
template <class T>
Setting sets(T& field, const ValueKind<T>& kind) {
    return make_setting<T>(
        kind, [&field](T value) { field = std::move(value); },
        [&field, write = kind.write] { return write(field); });
}

template <class T>
Setting sets(std::optional<T>& field, const ValueKind<T>& kind) {
    return make_setting<T>(
        kind, [&field](T value) { field = std::move(value); },
        [&field, write = kind.write] { return field ? write(*field) : std::string(); });
}

// For repeatable flags: each text adds its items.
template <class T>
Setting adds_to(std::vector<T>& field, const ValueKind<T>& item) {
    const ValueKind<std::vector<T>> kind = list_of(item);
    return make_setting<std::vector<T>>(
        kind,
        [&field](std::vector<T> more) { field.insert(field.end(), more.begin(), more.end()); },
        [&field, write = kind.write] { return write(field); });
}

}  // namespace worker

#include "worker/narration/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace worker {
namespace {

constexpr std::string_view replacement = "[REDACTED]";
constexpr std::string_view blanks = " \t";
constexpr std::string_view white_space = " \t\r\n\v\f";
constexpr std::string_view quotes = "\"'";
constexpr auto npos = std::string_view::npos;

// Half-open [begin, end), in bytes.
struct Span {
    std::size_t begin;
    std::size_t end;
};

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

bool is_one_of(char c, std::string_view set) {
    return set.find(c) != npos;
}

std::size_t find_or_end(std::string_view text, std::string_view stops, std::size_t from) {
    return std::min(text.find_first_of(stops, from), text.size());
}

std::size_t skip(std::string_view text, std::string_view set, std::size_t from) {
    return std::min(text.find_first_not_of(set, from), text.size());
}

// Bearer <token>
Span bearer_token(std::string_view text, std::size_t keyword) {
    constexpr std::size_t keyword_length = 6;
    const std::size_t begin = skip(text, white_space, keyword + keyword_length);
    if (begin == keyword + keyword_length) return {begin, begin};
    return {begin, find_or_end(text, " \t\r\n\v\f\"", begin)};
}

// The value that begins at or after `from`: quoted, with a backslash before its quotes where it
// stands inside of another quotation, or bare.
Span value_after(std::string_view text, std::size_t from) {
    const std::size_t begin = skip(text, blanks, from);
    const std::size_t quote = skip(text, "\\", begin);
    if (quote == text.size() || !is_one_of(text[quote], quotes))
        return {begin, find_or_end(text, " \t\r\n\v\f\"&", begin)};
    const std::string_view opening = text.substr(begin, quote + 1 - begin);
    const std::size_t value = quote + 1;
    std::size_t closing = text.find(opening, value);
    while (closing != npos && closing > value && text[closing - 1] == '\\')
        closing = text.find(opening, closing + opening.size());
    return {value, std::min(closing, text.size())};
}

// name=value, where the separator stands at `separator`.
Span named_secret(std::string_view text, std::size_t separator) {
    const Span none{separator + 1, separator + 1};
    std::size_t name_end = separator;
    bool quoted = false;
    while (name_end > 0 && is_one_of(text[name_end - 1], " \t\\\"'")) {
        quoted = quoted || is_one_of(text[name_end - 1], quotes);
        --name_end;
    }
    constexpr std::array<std::string_view, 4> endings{"key", "token", "secret", "password"};
    constexpr std::size_t ending_length_max = 8;
    const std::size_t length = std::min(name_end, ending_length_max);
    const std::string ending = lower(text.substr(name_end - length, length));
    if (std::none_of(endings.begin(), endings.end(),
                     [&](std::string_view known) { return ending.ends_with(known); }))
        return none;
    const bool spaced = separator + 1 < text.size() && is_one_of(text[separator + 1], blanks);
    if (text[separator] == ':' && !quoted && !spaced) return none;
    return value_after(text, separator + 1);
}

// scheme://user:password@host, where "://" stands at `mark`. A user without a password is taken
// for a token.
Span url_password(std::string_view text, std::size_t mark) {
    const std::size_t begin = mark + 3;
    const std::string_view authority =
        text.substr(begin, find_or_end(text, " \t\r\n\v\f\"'<>/?#", begin) - begin);
    const std::size_t at = authority.rfind('@');
    if (at == npos) return {begin, begin};
    const std::size_t colon = authority.substr(0, at).find(':');
    return {begin + (colon == npos ? 0 : colon + 1), begin + at};
}

// Replaces the secret, if any, at each place that `next_mark(from)` finds.
template <class NextMark, class SecretAt>
std::string replace_secrets(std::string_view text, NextMark next_mark, SecretAt secret_at) {
    std::string result;
    std::size_t copied = 0;
    for (std::size_t mark = next_mark(0); mark != npos;) {
        const Span secret = secret_at(text, mark);
        if (secret.begin < secret.end) {
            result.append(text, copied, secret.begin - copied);
            result += replacement;
            copied = secret.end;
        }
        mark = next_mark(std::max(secret.end, mark + 1));
    }
    result.append(text, copied);
    return result;
}

}  // namespace

std::string redact(std::string_view text) {
    // Bearer tokens first: in "token=Bearer abc" the second pass would stop before "abc".
    const std::string folded = lower(text);
    const std::string no_bearer = replace_secrets(
        text, [&](std::size_t from) { return folded.find("bearer", from); }, bearer_token);
    const std::string no_names = replace_secrets(
        no_bearer, [&](std::size_t from) { return no_bearer.find_first_of("=:", from); },
        named_secret);
    return replace_secrets(
        no_names, [&](std::size_t from) { return no_names.find("://", from); }, url_password);
}

}  // namespace worker

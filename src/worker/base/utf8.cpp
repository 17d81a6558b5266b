#include "worker/base/utf8.h"

#include <algorithm>

namespace worker {
namespace {

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// What may follow the first byte: how many bytes, and the range of the first of them.
struct Tail {
    std::size_t bytes;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
};

// No tail for a byte that begins nothing.
Tail tail_after(unsigned char first) {
    if (first >= 0xc2 && first <= 0xdf) return {1};
    if (first == 0xe0) return {2, 0xa0, 0xbf};  // Not overlong.
    if (first == 0xed) return {2, 0x80, 0x9f};  // Not a surrogate.
    if (first >= 0xe1 && first <= 0xef) return {2};
    if (first == 0xf0) return {3, 0x90, 0xbf};  // Not overlong.
    if (first >= 0xf1 && first <= 0xf3) return {3};
    if (first == 0xf4) return {3, 0x80, 0x8f};  // Not above U+10FFFF.
    return {0};
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
    if (text.empty()) return 0;
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return 1;
    const Tail tail = tail_after(first);
    if (tail.bytes == 0 || text.size() <= tail.bytes) return 0;
    const auto second = static_cast<unsigned char>(text[1]);
    if (second < tail.low || second > tail.high) return 0;
    const std::string_view rest = text.substr(2, tail.bytes - 1);
    return std::all_of(rest.begin(), rest.end(), is_continuation) ? 1 + tail.bytes : 0;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::size_t count_characters(std::string_view text) {
    return text.size() - std::count_if(text.begin(), text.end(), is_continuation);
}

std::string_view first_characters(std::string_view text, std::size_t characters) {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!is_continuation(text[i]) && seen++ == characters) return text.substr(0, i);
    }
    return text;
}

std::string_view first_bytes(std::string_view text, std::size_t bytes) {
    if (bytes >= text.size()) return text;
    while (bytes > 0 && is_continuation(text[bytes])) --bytes;
    return text.substr(0, bytes);
}

std::string to_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        valid += length == 0 ? std::string_view("\ufffd") : text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return valid;
}

}  // namespace worker

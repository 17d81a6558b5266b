#include "llama/log_lines.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace llama {

namespace {

// The last word of `text`, which loses it.
std::string_view take_last_word(std::string_view& text) {
    const std::size_t end = text.find_last_not_of(' ') + 1;
    const std::size_t begin = text.find_last_of(' ', end == 0 ? 0 : end - 1) + 1;
    const std::string_view word = text.substr(begin, end - begin);
    text = text.substr(0, begin);
    return word;
}

}  // namespace

std::optional<std::string> LogLines::next() {
    const std::size_t end = pending_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string line = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    return line;
}

std::string LogLines::rest() {
    return std::exchange(pending_, {});
}

BufferBytes parse_buffer_line(std::string_view line) {
    constexpr std::string_view mark = " buffer size =";
    const std::size_t at = line.find(mark);
    if (at == std::string_view::npos) return {};

    std::string_view number = line.substr(at + mark.size());
    number.remove_prefix(std::min(number.find_first_not_of(' '), number.size()));
    double mib = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), mib);
    if (parsed.ec != std::errc{} || !(mib >= 0 && mib < 0x1p40)) return {};
    const auto bytes = static_cast<std::uint64_t>(std::llround(mib * 0x1p20));

    std::string_view words = line.substr(0, at);
    take_last_word(words);  // The kind: model, KV, RS, compute, output.
    const std::string_view name = take_last_word(words);
    const bool on_host = name.starts_with("CPU") || name.ends_with("_Host");
    return on_host ? BufferBytes{.host = bytes, .device = 0}
                   : BufferBytes{.host = 0, .device = bytes};
}

std::string parse_reason(std::string_view line) {
    if (line.ends_with("failed to load model")) return {};
    const std::size_t colon = line.find(": ");
    const bool names_function = colon != std::string_view::npos && line.find(' ') == colon + 1;
    return std::string(names_function ? line.substr(colon + 2) : line);
}

}  // namespace llama

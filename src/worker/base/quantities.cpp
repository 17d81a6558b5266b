#include "worker/base/quantities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

namespace worker {
namespace {

struct Unit {
    std::string_view name;  // lower case
    std::uint64_t factor;
};

constexpr std::array<Unit, 5> size_units{
    {{"", 1}, {"b", 1}, {"kib", 1u << 10}, {"mib", 1u << 20}, {"gib", 1u << 30}}};
constexpr std::array<Unit, 5> duration_units{
    {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};

// Longer than anything that is waited for, and short enough to be counted in nanoseconds.
constexpr std::uint64_t duration_max_ms = 365ull * 24 * 3'600'000;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "1.5" times `factor`. Nothing when malformed, too large, or a fraction of what has no parts.
std::optional<std::uint64_t> times(std::string_view number, std::uint64_t factor) {
    const std::size_t point = number.find('.');
    const std::string_view whole_text = number.substr(0, point);
    std::uint64_t whole = 0;
    const auto [end, failure] =
        std::from_chars(whole_text.data(), whole_text.data() + whole_text.size(), whole);
    if (failure != std::errc{} || end != whole_text.data() + whole_text.size()) return {};
    if (whole > std::numeric_limits<std::uint64_t>::max() / factor - 1) return {};
    if (point == std::string_view::npos) return whole * factor;

    const std::string_view digits = number.substr(point + 1);
    if (factor == 1 || digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit))
        return {};
    double fraction = 0;
    std::from_chars(number.data() + point, number.data() + number.size(), fraction);
    return whole * factor + static_cast<std::uint64_t>(fraction * static_cast<double>(factor));
}

std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
    const auto end_of_number =
        std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
    const std::string_view number(text.begin(), end_of_number);
    std::string name(end_of_number, text.end());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const Unit& unit : units) {
        if (unit.name == name) return times(number, unit.factor);
    }
    return {};
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
    std::uint64_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last) return std::nullopt;
    return number;
}

Result<std::uint64_t> parse_size(std::string_view text) {
    if (const auto bytes = parse_quantity(text, size_units)) return *bytes;
    return fail(
        ErrorCode::config_invalid,
        fmt::format("\"{}\" is not a size; write bytes, or KiB, MiB or GiB as in 512MiB", text));
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto count = parse_quantity(text, duration_units);
    if (count && *count <= duration_max_ms) return std::chrono::milliseconds(*count);
    return fail(ErrorCode::config_invalid,
                fmt::format("\"{}\" is not a duration of at most a year; write ms, s, m or h as in "
                            "30s",
                            text));
}

std::string format_bytes(std::uint64_t bytes) {
    if (bytes < 1024) return fmt::format("{} B", bytes);
    constexpr std::array names{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes) / 1024;
    std::size_t name = 0;
    for (; value >= 1023.95; ++name) value /= 1024;  // 1023.95 would be printed as 1024.0.
    return fmt::format("{:.1f} {}", value, names[name]);
}

std::string format_rfc3339(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<milliseconds>(time - day));
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

}  // namespace worker

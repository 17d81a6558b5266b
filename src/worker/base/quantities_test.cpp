#include "worker/base/quantities.h"

#include <gtest/gtest.h>

#include <optional>

namespace worker {
namespace {

using namespace std::chrono_literals;
using Bytes = std::optional<std::uint64_t>;
using Time = std::optional<std::chrono::milliseconds>;

void check_size(std::string_view text, Bytes expected) {
    const auto bytes = parse_size(text);
    EXPECT_EQ(bytes ? Bytes(*bytes) : Bytes(), expected) << text;
}

TEST(QuantitiesTest, a_decimal_is_digits_and_nothing_else) {
    EXPECT_EQ(parse_decimal("0"), 0u);
    EXPECT_EQ(parse_decimal("0042"), 42u);
    EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
    for (const char* text : {"", " 1", "1 ", "-1", "+1", "0x1", "1.0", "18446744073709551616"})
        EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
}

TEST(QuantitiesTest, reads_sizes) {
    check_size("0", 0);
    check_size("512", 512);
    check_size("512B", 512);
    check_size("8KiB", 8192);
    check_size("8kib", 8192);
    check_size("256MiB", 256u << 20);
    check_size("1.5GiB", 3u << 29);
    check_size("0.1KiB", 102);
    check_size("18446744073709551615", Bytes());
    check_size("17179869182GiB", 17179869182ull << 30);
}

TEST(QuantitiesTest, refuses_what_is_no_size) {
    for (const char* text :
         {"", "x", "KiB", "-1", "+1", "1 KiB", " 1", "1KB", "1K", "1.5", "0.5B", "1.", ".5KiB",
          "1.2.3KiB", "1e3", "0x10", "17179869184GiB", "99999999999999999999"})
        check_size(text, Bytes());
    check_size(std::string_view("1\0", 2), Bytes());
}

void check_duration(std::string_view text, Time expected) {
    const auto time = parse_duration(text);
    EXPECT_EQ(time ? Time(*time) : Time(), expected) << text;
}

TEST(QuantitiesTest, reads_durations) {
    check_duration("250ms", 250ms);
    check_duration("30s", 30s);
    check_duration("30", 30s);
    check_duration("5m", 5min);
    check_duration("1h", 1h);
    check_duration("1.5s", 1500ms);
    check_duration("0.25", 250ms);
    check_duration("0.0005s", 0ms);
    check_duration("8760H", 8760h);
}

TEST(QuantitiesTest, refuses_what_is_no_duration) {
    for (const char* text :
         {"", "s", "-1s", "1d", "1.5ms", "1 s", "1m30s", "8761h", "99999999999999999999h"})
        check_duration(text, Time());
}

TEST(QuantitiesTest, an_error_shows_the_value_and_the_remedy) {
    EXPECT_EQ(parse_size("1KB").error().message,
              R"("1KB" is not a size; write bytes, or KiB, MiB or GiB as in 512MiB)");
    EXPECT_EQ(parse_duration("1d").error().code, ErrorCode::config_invalid);
}

void check_format(std::uint64_t bytes, const std::string& expected) {
    EXPECT_EQ(format_bytes(bytes), expected);
}

TEST(QuantitiesTest, writes_sizes) {
    check_format(0, "0 B");
    check_format(1023, "1023 B");
    check_format(1024, "1.0 KiB");
    check_format(98362432, "93.8 MiB");
    check_format((1u << 20) - 1, "1.0 MiB");
    check_format(~0ull, "16.0 EiB");
}

void check_rfc3339(std::chrono::milliseconds since_1970, const std::string& expected) {
    EXPECT_EQ(format_rfc3339(std::chrono::system_clock::time_point(since_1970)), expected);
}

TEST(QuantitiesTest, writes_times) {
    check_rfc3339(0ms, "1970-01-01T00:00:00.000Z");
    check_rfc3339(1769860800123ms, "2026-01-31T12:00:00.123Z");
    check_rfc3339(1709164799999ms, "2024-02-28T23:59:59.999Z");
    check_rfc3339(-1ms, "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace worker

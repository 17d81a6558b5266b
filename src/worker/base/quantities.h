#pragma once

#include "worker/base/result.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// Decimal digits and nothing else → the number; nothing where it is none, or needs over 64 bits.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// "512", "512B", "8KiB", "1.5GiB" (KiB, MiB, GiB, any case) → bytes. Errors: config_invalid.
Result<std::uint64_t> parse_size(std::string_view text);

// "250ms", "30s", "5m", "1h", "1.5s" → duration; a bare number counts seconds.
// Errors: config_invalid.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// 98362432 → "93.8 MiB".
std::string format_bytes(std::uint64_t bytes);

// 2026-01-31T12:00:00.123Z. Source: RFC 3339.
std::string format_rfc3339(std::chrono::system_clock::time_point time);

}  // namespace worker

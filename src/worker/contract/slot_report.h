#pragma once

#include "worker/base/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// One slot in /v1/slots: figures only, whatever runs there.
// Source of `id` and `is_processing`: llama.cpp, tools/server/README.md, "GET /slots".
struct SlotReport {
    std::uint32_t id = 0;
    std::string_view state;  // "idle", "prefill", "decode" or "parked"
    bool is_processing = false;
    std::optional<std::string> job_id = std::nullopt;
    std::uint32_t tokens_in = 0;
    std::uint32_t tokens_cached = 0;
    std::uint32_t tokens_out = 0;
    std::uint32_t cells = 0;
    std::optional<Clock::WallTime> started_at = std::nullopt;
    std::optional<double> tokens_per_second = std::nullopt;
};

// A JSON array.
std::string to_json(const std::vector<SlotReport>& slots);

}  // namespace worker

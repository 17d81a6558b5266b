#pragma once

#include "worker/contract/json_object.h"

#include <cstdint>
#include <optional>
#include <string>

namespace worker {

// The body of /health and of /. Source: wire contract, 3.
struct HealthReport {
    std::string status;  // "healthy", "degraded" or "unhealthy"
    std::string state;   // "loading", "idle", "busy", "draining" or "error"
    std::uint64_t vram_bytes = 0;
    std::string model;
    std::optional<std::uint32_t> context_length = {};  // once the model is loaded
    std::uint64_t uptime_seconds = 0;
    std::uint32_t slots_total = 0;
    std::uint32_t slots_busy = 0;
};

JsonObject to_json(const HealthReport& report);

}  // namespace worker

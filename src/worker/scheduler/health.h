#pragma once

#include "worker/base/clock.h"
#include "worker/scheduler/status_board.h"

#include <string_view>

namespace worker {

// What a status means to those who ask. Source: wire contract, sections 3 and 7.
enum class Health : std::uint8_t { healthy, degraded, unhealthy };

constexpr std::string_view wire_name(Health health) {
    switch (health) {
        case Health::healthy: return "healthy";
        case Health::degraded: return "degraded";
        case Health::unhealthy: return "unhealthy";
    }
    __builtin_unreachable();
}

// Unhealthy: the engine is dead, or has work and no step has ended for a long time.
// Degraded: loading, draining, short of memory, or nothing decoded for a while with work in hand.
Health judge(const WorkerStatus& status, Clock::TimePoint now);

// "loading", "idle", "busy", "draining" or "error".
std::string_view state_word(const WorkerStatus& status);

}  // namespace worker

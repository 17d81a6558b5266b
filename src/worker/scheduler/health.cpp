#include "worker/scheduler/health.h"

#include <algorithm>
#include <chrono>

namespace worker {
namespace {

using namespace std::chrono_literals;

Clock::Duration stuck_for(const WorkerStatus& status, Clock::TimePoint now) {
    return status.has_work() ? now - status.last_step_ended : Clock::Duration::zero();
}

}  // namespace

Health judge(const WorkerStatus& status, Clock::TimePoint now) {
    if (status.life == LifeState::failed) return Health::unhealthy;
    if (status.life == LifeState::loading) return Health::degraded;
    const Clock::Duration stuck = stuck_for(status, now);
    if (stuck > std::max<Clock::Duration>(30s, 20 * status.last_step_took))
        return Health::unhealthy;
    const bool degraded = status.life == LifeState::draining || status.last_job_lacked_memory ||
                          status.device_memory_short || stuck > 10s;
    return degraded ? Health::degraded : Health::healthy;
}

std::string_view state_word(const WorkerStatus& status) {
    switch (status.life) {
        case LifeState::loading: return "loading";
        case LifeState::draining: return "draining";
        case LifeState::failed: return "error";
        case LifeState::ready: return status.has_work() ? "busy" : "idle";
    }
    __builtin_unreachable();
}

}  // namespace worker

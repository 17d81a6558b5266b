#pragma once

#include "worker/base/clock.h"

#include <optional>
#include <string>

namespace worker {

// What the io thread knows of a job that holds a slot, beside what the slot itself says.
struct RunningJob {
    std::string job_id;  // as callers know it
    Clock::WallTime started_at;
    std::optional<double> units_per_second = std::nullopt;  // since its first output
};

}  // namespace worker

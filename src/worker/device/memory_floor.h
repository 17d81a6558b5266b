#pragma once

#include "worker/base/clock.h"

#include <cstdint>
#include <optional>

namespace worker {

// Whether memory is short: from the moment when less than the floor is free until there has been
// enough for a while without a break, so that use at the edge does not change the answer with each
// reading. Thread: one.
class MemoryFloor {
public:
    MemoryFloor(std::uint64_t floor_bytes, Clock::Duration recovery)
        : floor_bytes_(floor_bytes), recovery_(recovery) {}

    enum class Change : std::uint8_t { none, fell_short, recovered };
    Change note(std::uint64_t free_bytes, Clock::TimePoint now);

    bool is_short() const { return short_; }

private:
    const std::uint64_t floor_bytes_;
    const Clock::Duration recovery_;
    bool short_ = false;
    std::optional<Clock::TimePoint> enough_since_;  // while short
};

}  // namespace worker

#pragma once

#include <chrono>
#include <cstdint>

namespace worker {

// Where time comes from, so that tests can hold it still.
class Clock {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;
    using WallTime = std::chrono::system_clock::time_point;

    virtual ~Clock() = default;

    // Monotonic; for durations and deadlines. Thread: any.
    virtual TimePoint now() const = 0;
    // Calendar time; for what people and other machines read. Thread: any.
    virtual WallTime wall_now() const = 0;
};

inline std::int64_t unix_seconds(Clock::WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

class SystemClock final : public Clock {
public:
    TimePoint now() const override { return std::chrono::steady_clock::now(); }
    WallTime wall_now() const override { return std::chrono::system_clock::now(); }
};

}  // namespace worker

#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>

namespace worker {

// Units a second of work, over about the last five seconds in which there was any: both counts
// fade with a half-life of that length, so that idle time does not count. Thread: one.
class Rate {
public:
    void add(std::uint64_t units, std::chrono::duration<double> took) {
        const double kept = std::exp2(-took.count() / half_life_seconds);
        units_ = units_ * kept + static_cast<double>(units);
        seconds_ = seconds_ * kept + took.count();
    }

    // 0 before anything was measured.
    double per_second() const { return seconds_ > 0 ? units_ / seconds_ : 0; }

private:
    static constexpr double half_life_seconds = 5;

    double units_ = 0;
    double seconds_ = 0;
};

}  // namespace worker

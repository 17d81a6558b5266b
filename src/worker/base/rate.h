#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>

namespace worker {

// Units a second of work, over about the last seconds in which there was any: both counts fade with
// a half-life of that length, so that idle time does not count. Thread: one.
class Rate {
public:
    explicit Rate(std::chrono::duration<double> half_life = std::chrono::seconds(5))
        : half_life_(half_life) {}

    void add(std::uint64_t units, std::chrono::duration<double> took) {
        const double kept = std::exp2(-took / half_life_);
        units_ = units_ * kept + static_cast<double>(units);
        seconds_ = seconds_ * kept + took.count();
    }

    // 0 before anything was measured.
    double per_second() const { return seconds_ > 0 ? units_ / seconds_ : 0; }

private:
    std::chrono::duration<double> half_life_;
    double units_ = 0;
    double seconds_ = 0;
};

}  // namespace worker

#pragma once

#include "worker/base/clock.h"

namespace worker {

// Time that moves when a test says so.
class ManualClock final : public Clock {
public:
    TimePoint now() const override { return now_; }
    WallTime wall_now() const override {
        return WallTime{} + std::chrono::duration_cast<WallTime::duration>(now_.time_since_epoch());
    }
    void advance(Duration by) { now_ += by; }

private:
    TimePoint now_{std::chrono::hours(1)};
};

}  // namespace worker

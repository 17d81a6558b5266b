#include "worker/scheduler/wait_times.h"

#include <algorithm>
#include <cmath>

namespace worker {

void WaitTimes::slot_freed(std::chrono::duration<double> held) {
    held_seconds_ += (held.count() - held_seconds_) * (held_seconds_ == 0 ? 1 : 0.1);
}

std::chrono::seconds WaitTimes::until_start(const Line& line, const WorkerStatus& status) const {
    const double slots = std::max(1u, status.backend.slots_total);
    const double held = held_seconds_ > 0 ? held_seconds_ : line.oldest_held.count();
    return at_least_a_second(held * (static_cast<double>(line.waiting) + 1) / slots);
}

double WaitTimes::until_first_output(std::size_t held, std::uint32_t units_in,
                                     const WorkerStatus& status) const {
    const double slots = std::max(1u, status.backend.slots_total);
    const double ahead = std::max(0.0, static_cast<double>(held) - slots);
    const double rate = status.backend.units_in_per_second;
    return held_seconds_ * ahead / slots + (rate > 0 ? units_in / rate : 0);
}

std::chrono::seconds WaitTimes::until_loaded(const WorkerStatus& status, Clock::TimePoint now) {
    const double done = std::clamp(status.progress.fraction, 0.05, 1.0);
    const std::chrono::duration<double> spent = now - status.loading_since;
    return at_least_a_second(spent.count() * (1 - done) / done);
}

std::chrono::seconds WaitTimes::at_least_a_second(double seconds) {
    return std::chrono::seconds(std::lround(std::clamp(std::ceil(seconds), 1.0, 3600.0)));
}

}  // namespace worker

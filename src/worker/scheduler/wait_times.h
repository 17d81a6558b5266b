#pragma once

#include "worker/scheduler/status_board.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace worker {

// How long those who ask for work will have to wait, by what was measured so far. Thread: io.
class WaitTimes {
public:
    // A job has held a slot for so long, however it ended.
    void slot_freed(std::chrono::duration<double> held);

    // What has been taken on and not ended.
    struct Line {
        std::size_t waiting = 0;                    // for a slot
        std::chrono::duration<double> oldest_held;  // how long the oldest has had its slot
    };
    // Until a slot is likely to be free for one more. As long as no job has ended, the oldest is
    // taken for one that ends now: it is the best that is known, and grows while nothing ends.
    std::chrono::seconds until_start(const Line& line, const WorkerStatus& status) const;

    // What jobs ahead leave of the slots, and the work before the first output, in seconds. Errs on
    // the short side: what has not been measured counts as nothing, so nobody is refused wrongly.
    double until_first_output(std::size_t held, std::uint32_t units_in,
                              const WorkerStatus& status) const;

    // As long again as what is left of the load by its progress so far.
    static std::chrono::seconds until_loaded(const WorkerStatus& status, Clock::TimePoint now);

    // In what Retry-After counts; an hour at most.
    static std::chrono::seconds at_least_a_second(double seconds);

private:
    double held_seconds_ = 0;  // lately; 0: not measured yet
};

}  // namespace worker

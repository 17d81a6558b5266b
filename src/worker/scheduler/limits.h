#pragma once

#include <cstddef>
#include <cstdint>

namespace worker {

// Every bound between a request and the engine, derived in one place.
struct SchedulerLimits {
    std::uint32_t queue_max = 64;               // jobs that wait for a slot
    std::size_t event_queue_bytes = 256 << 10;  // of one job, for a reader that is slower
    std::uint32_t restart_seconds = 5;          // Retry-After while draining: a successor's start

    // Commands in the mailbox: the engine holds at most `slots + queue_max` jobs, and each of them
    // has sent one Submit and at most one Cancel that may wait there at once. So neither is ever
    // refused.
    std::size_t mailbox_capacity(std::uint32_t slots) const {
        return 2 * (std::size_t{slots} + queue_max);
    }
};

}  // namespace worker

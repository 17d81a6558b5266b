#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace worker {

// Every bound between a request and the engine, derived in one place.
struct SchedulerLimits {
    std::uint32_t queue_max = 64;  // jobs that wait for a slot
    // Events of one job: those that wait for the reader of a connection, and all of a job that
    // later requests read.
    std::size_t unread_bytes = 256 << 10;
    std::size_t kept_bytes = 1 << 20;
    std::uint32_t restart_seconds = 5;  // Retry-After while draining: a successor's start
    std::uint32_t memory_seconds = 5;   // Retry-After while device memory is short

    // Jobs that have ended and may still be read; the oldest go first.
    std::size_t finished_max = 1024;
    std::size_t finished_bytes = 64 << 20;
    std::chrono::seconds finished_kept{300};
    // A job that is kept for readers and has none for so long is cancelled.
    std::chrono::seconds unread_kept{60};

    // Commands in the mailbox: the engine holds at most `slots + queue_max` jobs, and each of them
    // has sent one Submit and at most one Cancel that may wait there at once. So neither is ever
    // refused.
    std::size_t mailbox_capacity(std::uint32_t slots) const {
        return 2 * (std::size_t{slots} + queue_max);
    }
};

}  // namespace worker

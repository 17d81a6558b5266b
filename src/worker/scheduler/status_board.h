#pragma once

#include "worker/base/clock.h"
#include "worker/base/error.h"
#include "worker/engine/backend.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

enum class LifeState : std::uint8_t { loading, ready, draining, failed };

// What the worker says of itself at one moment.
struct WorkerStatus {
    LifeState life = LifeState::loading;
    LoadProgress progress;
    std::optional<Error> error;  // Why `failed`.
    BackendStatus backend;
    std::uint32_t jobs_queued = 0;
    std::uint32_t jobs_running = 0;
    double tokens_per_second = 0;  // All jobs together, over the last seconds with work.
    Clock::TimePoint loading_since{};
    Clock::TimePoint last_step_ended{};  // Or when work arrived at an idle engine.
    Clock::Duration last_step_took{};
    bool last_job_lacked_memory = false;
    std::uint64_t device_total_bytes = 0;  // of all devices in use; 0 on a processor
    bool device_memory_short = false;      // Less than the floor is free: nothing new is taken.

    bool has_work() const { return jobs_queued + jobs_running > 0; }
    bool takes_work() const { return life == LifeState::ready && !device_memory_short; }
};

inline constexpr std::string_view device_memory_short_message =
    "less device memory is free than the floor asks for (--vram-floor)";

// A snapshot that the engine thread writes between steps and everybody else copies, so that health
// and metrics never wait for inference. Thread: any.
class StatusBoard {
public:
    WorkerStatus read() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }

    // `change(WorkerStatus&)` under the lock: assignments only.
    template <class Change>
    void update(Change change) {
        const std::lock_guard lock(mutex_);
        change(status_);
    }

private:
    mutable std::mutex mutex_;
    WorkerStatus status_;
};

}  // namespace worker

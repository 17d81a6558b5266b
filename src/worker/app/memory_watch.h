#pragma once

#include "worker/base/clock.h"
#include "worker/device/device.h"
#include "worker/device/memory_floor.h"
#include "worker/narration/narrator.h"
#include "worker/scheduler/status_board.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <thread>

namespace worker {

// Looks once in a while how much device memory is free, and says in the status when that is too
// little to take new work. On a thread of its own: a driver may take its time to answer.
class MemoryWatch {
public:
    struct Pace {
        std::chrono::milliseconds interval{1000};
        std::chrono::milliseconds recovery{3000};  // of enough memory, before it counts
    };
    // All of it outlives the watch.
    struct Parts {
        StatusBoard& board;
        const Clock& clock;
        Narrator& narrator;
        std::function<DeviceMemory()> memory;  // called on the watch's thread
        std::uint64_t floor_bytes;
    };

    // Looks for the first time before it returns.
    MemoryWatch(Parts parts, const Pace& pace);

private:
    void run(const std::stop_token& stop);
    void look();
    void tell(MemoryFloor::Change change, std::uint64_t free_bytes);

    const Parts parts_;
    const Pace pace_;
    MemoryFloor floor_;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace worker

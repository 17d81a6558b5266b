#include "worker/app/memory_watch.h"

#include "worker/base/error.h"
#include "worker/base/quantities.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>

namespace worker {

MemoryWatch::MemoryWatch(Parts parts, const Pace& pace)
    : parts_(std::move(parts)), pace_(pace), floor_(parts_.floor_bytes, pace.recovery) {
    look();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void MemoryWatch::run(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stopped.wait_for(lock, stop, pace_.interval, [&] { return stop.stop_requested(); }))
        if (!stop.stop_requested()) look();
}

void MemoryWatch::look() {
    const DeviceMemory memory = parts_.memory();
    if (memory.total_bytes == 0) return;  // The driver does not say.
    const MemoryFloor::Change change = floor_.note(memory.least_free_bytes, parts_.clock.now());
    parts_.board.update([&](WorkerStatus& status) {
        status.device_total_bytes = memory.total_bytes;
        status.device_memory_short = floor_.is_short();
    });
    if (change != MemoryFloor::Change::none) tell(change, memory.least_free_bytes);
}

void MemoryWatch::tell(MemoryFloor::Change change, std::uint64_t free_bytes) {
    const std::string free = format_bytes(free_bytes) + " of device memory free";
    const bool fell_short = change == MemoryFloor::Change::fell_short;
    Narration narration{.actor = "device-manager",
                        .action = fell_short ? "memory_short" : "memory_recovered",
                        .target = "device",
                        .human = fell_short
                                     ? "Takes no new work: " + free + ", less than --vram-floor"
                                     : "Takes work again: " + free};
    if (fell_short) narration.error_kind = traits(ErrorCode::insufficient_resources).wire_name;
    parts_.narrator.narrate(std::move(narration));
}

}  // namespace worker

#include "worker/device/memory_floor.h"

namespace worker {

MemoryFloor::Change MemoryFloor::note(std::uint64_t free_bytes, Clock::TimePoint now) {
    if (free_bytes < floor_bytes_) {
        enough_since_.reset();
        if (short_) return Change::none;
        short_ = true;
        return Change::fell_short;
    }
    if (!short_) return Change::none;
    if (!enough_since_) enough_since_ = now;
    if (now - *enough_since_ < recovery_) return Change::none;
    short_ = false;
    return Change::recovered;
}

}  // namespace worker

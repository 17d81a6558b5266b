#pragma once

#include "worker/base/clock.h"
#include "worker/contract/json_object.h"
#include "worker/contract/worker_info.h"

#include <cstdint>
#include <string>

namespace worker {

// What a hive hears at every beat. Source: wire contract, 7.
struct Heartbeat {
    std::string worker_id;
    Clock::WallTime time;
    std::string health;  // "healthy" or "degraded"
    // Device memory that this worker holds; 0 on a CPU, where `memory_used_bytes` tells.
    std::uint64_t vram_used_bytes = 0;
    std::uint64_t vram_total_bytes = 0;
    std::uint64_t memory_used_bytes = 0;
    std::string device;  // "cpu:0"
    std::uint32_t slots_total = 0;
    std::uint32_t slots_busy = 0;
    std::uint32_t queue_depth = 0;
    double tokens_per_second = 0;
    std::string model;
    std::string state;  // "loading", "idle", "busy", "draining" or "error"
};

JsonObject to_json(const Heartbeat& heartbeat);

// What a queen hears at every beat: {"worker","timestamp"}. Source: wire contract, 7.
JsonObject queen_heartbeat(const WorkerInfo& worker, Clock::WallTime time);

}  // namespace worker

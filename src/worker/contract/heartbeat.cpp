#include "worker/contract/heartbeat.h"

#include "worker/base/quantities.h"

namespace worker {
namespace {

std::int64_t unix_milliseconds(Clock::WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

JsonObject to_json(const Heartbeat& heartbeat) {
    JsonObject object;
    object.add("worker_id", heartbeat.worker_id)
        .add("timestamp", format_rfc3339(heartbeat.time))
        .add("timestamp_ms", unix_milliseconds(heartbeat.time))
        .add("health_status", heartbeat.health)
        .add("status", heartbeat.health)
        .add("vram_used", heartbeat.vram_used_bytes)
        .add("vram_total", heartbeat.vram_total_bytes)
        .add("memory_used", heartbeat.memory_used_bytes)
        .add("device", heartbeat.device)
        .add("slots_total", heartbeat.slots_total)
        .add("slots_busy", heartbeat.slots_busy)
        .add("queue_depth", heartbeat.queue_depth)
        .add("tokens_per_second", heartbeat.tokens_per_second)
        .add("model", heartbeat.model)
        .add("state", heartbeat.state);
    return object;
}

JsonObject queen_heartbeat(const WorkerInfo& worker, Clock::WallTime time) {
    JsonObject object;
    object.add("worker", to_json(worker)).add("timestamp", format_rfc3339(time));
    return object;
}

}  // namespace worker

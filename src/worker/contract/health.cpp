#include "worker/contract/health.h"

namespace worker {

JsonObject to_json(const HealthReport& report) {
    JsonObject object;
    object.add("status", report.status)
        .add("state", report.state)
        .add("vram_bytes", report.vram_bytes)
        .add("model", report.model)
        .add("context_length", report.context_length)
        .add("uptime_seconds", report.uptime_seconds)
        .add("slots_total", report.slots_total)
        .add("slots_busy", report.slots_busy);
    return object;
}

}  // namespace worker

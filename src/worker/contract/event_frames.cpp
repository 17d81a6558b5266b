#include "worker/contract/event_frames.h"

#include "worker/base/quantities.h"
#include "worker/base/utf8.h"

#include <algorithm>

namespace worker {
namespace {

JsonObject event(std::string_view type) {
    JsonObject object;
    object.add("type", type);
    return object;
}

}  // namespace

std::string sse_frame(const JsonObject& object) {
    return "data: " + object.text() + "\n\n";
}

std::string to_frame(const StartedFrame& started) {
    return sse_frame(event("started")
                         .add("job_id", started.job_id)
                         .add("model", started.model)
                         .add("started_at", format_rfc3339(started.started_at))
                         .add("seed", started.seed));
}

std::string to_frame(const MetricsFrame& metrics) {
    return sse_frame(event("metrics")
                         .add("tokens_per_sec", metrics.tokens_per_sec)
                         .add("vram_bytes", metrics.vram_bytes));
}

std::string to_frame(const NarrationFrame& narration) {
    return sse_frame(event("narration")
                         .add("actor", narration.actor)
                         .add("action", narration.action)
                         .add("target", narration.target)
                         .add("human", narration.human)
                         .add("cute", narration.cute)
                         .add("correlation_id", narration.correlation_id)
                         .add("job_id", narration.job_id));
}

std::string to_frame(const EndFrame& end) {
    return sse_frame(event("end")
                         .add("tokens_out", end.tokens_out)
                         .add("decode_time_ms", end.decode_time.count())
                         .add("stop_reason", end.stop_reason)
                         .add("stop_sequence_matched", end.stop_sequence_matched));
}

std::string to_frame(const Error& error) {
    return sse_frame(event("error")
                         .add("code", traits(error.code).wire_name)
                         .add("message", wire_message(error))
                         .add("retriable", traits(error.code).retriable));
}

std::string error_marker(std::string_view message) {
    std::string line = to_utf8(message);
    std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return "data: [ERROR] " + line + "\n\n";
}

}  // namespace worker

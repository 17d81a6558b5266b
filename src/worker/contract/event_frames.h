// The frames of a job's event stream that every modality has. Those of its outputs are its own.
#pragma once

#include "worker/base/clock.h"
#include "worker/base/error.h"
#include "worker/contract/json_object.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// One event on the wire: "data: {…}\n\n". Source: HTML Standard, 9.2.6, "Interpreting an event
// stream": JSON text has no raw newline, so one data line is enough.
std::string sse_frame(const JsonObject& object);

struct StartedFrame {
    std::string_view job_id;
    std::string_view model;
    Clock::WallTime started_at;
    std::uint64_t seed;
};

struct MetricsFrame {
    double tokens_per_sec;
    std::uint64_t vram_bytes;
};

struct NarrationFrame {
    std::string_view actor;
    std::string_view action;
    std::string_view target;
    std::string_view human;
    std::optional<std::string_view> cute = std::nullopt;
    std::optional<std::string_view> correlation_id = std::nullopt;
    std::optional<std::string_view> job_id = std::nullopt;
};

struct EndFrame {
    std::uint32_t tokens_out;
    std::chrono::milliseconds decode_time;
    std::string_view stop_reason;  // wire word, "EOS"
    std::optional<std::string_view> stop_sequence_matched = std::nullopt;
};

// Source, for keys and their order: wire contract, 4.4.
std::string to_frame(const StartedFrame& started);
std::string to_frame(const MetricsFrame& metrics);
std::string to_frame(const NarrationFrame& narration);
std::string to_frame(const EndFrame& end);
std::string to_frame(const Error& error);

// What follows the last event. All but `done` are for /v1/jobs/…/stream only.
inline constexpr std::string_view done_marker = "data: [DONE]\n\n";
inline constexpr std::string_view cancelled_marker = "data: [CANCELLED]\n\n";
// Line breaks in the message become spaces.
std::string error_marker(std::string_view message);

}  // namespace worker

#pragma once

#include "worker/base/clock.h"
#include "worker/base/error.h"
#include "worker/base/ids.h"
#include "worker/narration/narration.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace worker {

enum class StopReason : std::uint8_t { max_tokens, eos, stop_sequence, cancelled, error };

constexpr std::string_view wire_name(StopReason reason) {
    switch (reason) {
        case StopReason::max_tokens: return "MAX_TOKENS";
        case StopReason::eos: return "EOS";
        case StopReason::stop_sequence: return "STOP_SEQUENCE";
        case StopReason::cancelled: return "CANCELLED";
        case StopReason::error: return "ERROR";
    }
    __builtin_unreachable();
}

// The job has left the queue and holds a slot. Always a job's first event, unless it fails before.
struct Started {
    std::uint64_t seed;    // What sampling uses, whether the caller or we chose it.
    Clock::WallTime at{};  // The scheduler's to fill in.
};

// So much of the job's input was there from earlier work. At most once, before any output.
struct Reused {
    std::uint32_t units;
};

// The job is complete. Counts are in the modality's unit of work; for text that is tokens.
struct Ended {
    std::uint32_t tokens_in = 0;
    std::uint32_t tokens_cached = 0;  // Of `tokens_in`: not computed again.
    std::uint32_t tokens_out = 0;
    std::chrono::milliseconds decode_time{0};  // From the first output to the last.
    StopReason stop_reason = StopReason::eos;
    std::optional<std::string> stop_sequence_matched = std::nullopt;
};

// The job ended without completing.
struct Failed {
    Error error;
};

// What the scheduler says of the job meanwhile. Shared, because it is ten times as large as any
// other event and rare.
using Narrated = std::shared_ptr<const Narration>;

// One thing that a job reports. In order: `Started`, any number of the others, then
// exactly one of `Ended` and `Failed`, which is last.
//
// Output is the modality's own: a struct with
//     std::size_t bytes() const;      what it costs to keep in a queue
//     std::uint32_t units() const;    how much work it stands for; for text that is tokens
//     bool append(Output& next);      takes `next` into itself; false when the two do not join
template <class Output>
using Event = std::variant<Started, Output, Narrated, Reused, Ended, Failed>;

template <class Output>
bool is_terminal(const Event<Output>& event) {
    return std::holds_alternative<Ended>(event) || std::holds_alternative<Failed>(event);
}

template <class Output>
struct JobReport {
    JobId id;
    Event<Output> event;
};

// What one step has to say, in order.
template <class Output>
using Reports = std::vector<JobReport<Output>>;

}  // namespace worker

#pragma once

#include "worker/base/clock.h"
#include "worker/contract/event_frames.h"
#include "worker/engine/event.h"
#include "worker/scheduler/status_board.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// Which events a stream shows beside `started`, outputs and the end. Source: wire contract, 4.4.
enum class EventDetail : std::uint8_t { output_only, all };

// Writes the frames that every modality's event streams have in common. Thread: io.
class EventWriter {
public:
    struct Parts {
        const StatusBoard& board;
        const Clock& clock;
    };

    EventWriter(const Parts& parts, std::string job_id, std::string model, EventDetail detail)
        : parts_(parts), job_id_(std::move(job_id)), model_(std::move(model)), detail_(detail) {}

    // Empty where the stream does not show it.
    std::string frame(const Started& started) const;
    std::string frame(const Narrated& narration) const;
    std::string frame(const Ended& ended) const;
    std::string frame(const Failed& failed) const;

    // A metrics frame when one is due, at most one a second; else nothing. `units` more have come
    // out of the job since the last call.
    std::string metrics_if_due(std::uint32_t units);
    // The last metrics, before the end.
    std::string metrics_of(const Ended& ended) const;

private:
    std::string metrics(std::chrono::duration<double> took, std::uint64_t units) const;

    const Parts parts_;
    const std::string job_id_;
    const std::string model_;
    const EventDetail detail_;
    std::uint64_t units_ = 0;
    Clock::TimePoint first_unit_{};
    Clock::TimePoint last_metrics_{};
};

}  // namespace worker

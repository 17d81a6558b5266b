// The port between the neutral ring and a modality. Above it nothing knows of tokens, prompts or
// a model library; below it nothing knows of HTTP, queues or deadlines.
#pragma once

#include "worker/base/ids.h"
#include "worker/base/result.h"
#include "worker/engine/event.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

struct LoadProgress {
    std::string stage;  // "converting", "loading_to_vram", "warmup"
    std::uint32_t layers_loaded = 0;
    std::uint32_t layers_total = 0;
    std::uint64_t bytes_loaded = 0;
    double fraction = 0;  // 0..1 of the whole load
};

// Called as the load goes on; false asks the backend to give up soon with `cancelled`.
using LoadObserver = std::function<bool(const LoadProgress&)>;

// Idle: empty. Prefill: its job has no output yet. Decode: it has. Parked: its job was under way
// and waits until there is room to go on.
enum class SlotState : std::uint8_t { idle, prefill, decode, parked };

constexpr std::string_view wire_name(SlotState state) {
    switch (state) {
        case SlotState::idle: return "idle";
        case SlotState::prefill: return "prefill";
        case SlotState::decode: return "decode";
        case SlotState::parked: return "parked";
    }
    __builtin_unreachable();
}

// One place where a job can run, in figures only. Counts are in the modality's unit of work.
struct SlotStatus {
    std::uint32_t id = 0;
    SlotState state = SlotState::idle;
    std::optional<JobId> job = std::nullopt;
    std::uint32_t units_in = 0;      // of the whole job
    std::uint32_t units_cached = 0;  // of `units_in`: not computed again
    std::uint32_t units_out = 0;     // so far
    std::uint32_t cells = 0;         // of the KV cache, in use
};

struct BackendStatus {
    std::uint32_t slots_total = 0;
    std::uint32_t slots_busy = 0;
    std::vector<SlotStatus> slots = {};  // by their ids
    std::uint32_t cells_total = 0;       // of the KV cache; 0 where a modality has none
    std::uint32_t cells_used = 0;
    std::uint64_t jobs_parked = 0;   // ever: how often a job had to give its cells to another
    std::uint64_t device_bytes = 0;  // device memory held: weights, KV cache, compute buffers
    std::uint64_t host_bytes = 0;    // the same in host memory
    double units_in_per_second = 0;  // work before a first output, lately; 0: not measured yet
};

// Does a modality's work for many jobs at once. Thread: the engine thread, for everything.
//
// Jobs do not depend on each other: no job may fail because of what another one asked for.
template <class Input, class Output>
class InferenceBackend {
public:
    virtual ~InferenceBackend() = default;

    // Makes ready to start jobs, a full-sized warm-up included. Errors: any of start-up's codes,
    // `cancelled` when the observer said so.
    virtual Result<void> load(const LoadObserver& observer) = 0;

    // Takes a job on, and `input` with it; or leaves `input` as it is and gives nothing, because
    // it does not fit beside the others for now. Errors: this job can never run; it is over.
    virtual Result<std::optional<Started>> start(JobId id, Input& input) = 0;

    // Gives up a started job and frees what it holds before the next step; nothing more is
    // reported of it. An id that is not running is ignored.
    virtual void cancel(JobId id) = 0;

    // Computes one step for all started jobs and appends their outputs and ends. After a job's
    // terminal event the backend has forgotten it. Errors: the step failed for every started job;
    // the caller cancels them all and goes on with others.
    virtual Result<void> step(Reports<Output>& reports) = 0;

    virtual BackendStatus status() const = 0;

    // Makes a step under way end soon, with an error: the process is about to end. Thread: any.
    virtual void interrupt() = 0;
};

}  // namespace worker

#pragma once

#include "worker/engine/backend.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace worker {

// A job that says its own text back, one character a step.
struct EchoJob {
    std::string text;
    bool refused = false;  // `start` answers with an error
};

struct EchoOutput {
    std::string text;

    std::size_t bytes() const { return text.size(); }
    std::uint32_t units() const { return static_cast<std::uint32_t>(text.size()); }
    bool append(EchoOutput& next) {
        text += next.text;
        return true;
    }
};

// The port with strings instead of a model: if something of a modality leaks into the neutral
// ring, this stops compiling.
class EchoEngine final : public InferenceBackend<EchoJob, EchoOutput> {
public:
    enum class NextStep : std::uint8_t { works, fails, throws };

    // Jobs start while their texts together fit into `cells`.
    EchoEngine(std::uint32_t slots, std::size_t cells) : slots_(slots), cells_(cells) {}

    std::atomic<NextStep> next_step = NextStep::works;  // Thread: any.
    // What a refused job is told. Set it while no job is under way.
    Error refusal{ErrorCode::invalid_request, "refused by the engine"};
    // Called in each load; may wait, to hold a worker in `loading`.
    std::function<Result<void>(const LoadObserver&)> on_load;
    // Called in each step; may wait, to hold a job in mid-stream.
    std::function<void()> on_step;

    Result<void> load(const LoadObserver& observer) override {
        if (on_load) return on_load(observer);
        return {};
    }

    Result<std::optional<Started>> start(JobId id, EchoJob& input) override {
        if (input.refused) return fail(refusal);
        if (running_.size() == slots_ || cells_used() + input.text.size() > cells_)
            return std::optional<Started>{};
        running_.emplace(id, Running{std::move(input.text), 0});
        return Started{7};
    }

    void cancel(JobId id) override { running_.erase(id); }

    Result<void> step(Reports<EchoOutput>& reports) override {
        if (on_step) on_step();
        switch (next_step.exchange(NextStep::works)) {
            case NextStep::works: break;
            case NextStep::fails: return fail(ErrorCode::inference_failed, "the step failed");
            case NextStep::throws: throw std::runtime_error("the step threw");
        }
        for (auto job = running_.begin(); job != running_.end();) {
            auto& [id, state] = *job;
            if (state.said < state.text.size())
                reports.push_back({id, EchoOutput{state.text.substr(state.said, 1)}});
            const bool done = ++state.said >= state.text.size();
            if (done) reports.push_back({id, ended(state)});
            job = done ? running_.erase(job) : std::next(job);
        }
        return {};
    }

    BackendStatus status() const override {
        BackendStatus status{.slots_total = slots_,
                             .slots_busy = static_cast<std::uint32_t>(running_.size())};
        for (std::uint32_t id = 0; id < slots_; ++id) status.slots.push_back({.id = id});
        auto slot = status.slots.begin();
        for (const auto& [id, state] : running_) {
            const auto units = static_cast<std::uint32_t>(state.text.size());
            const auto said = static_cast<std::uint32_t>(state.said);
            slot->state = said == 0 ? SlotState::prefill : SlotState::decode;
            slot->job = id;
            slot->units_in = slot->cells = units;
            slot->units_out = said;
            ++slot;
        }
        return status;
    }

    void interrupt() override {}

private:
    struct Running {
        std::string text;
        std::size_t said;
    };

    static Event<EchoOutput> ended(const Running& state) {
        Ended end;
        end.tokens_in = end.tokens_out = static_cast<std::uint32_t>(state.text.size());
        return end;
    }

    std::size_t cells_used() const {
        std::size_t used = 0;
        for (const auto& [id, state] : running_) used += state.text.size();
        return used;
    }

    const std::uint32_t slots_;
    const std::size_t cells_;
    std::map<JobId, Running> running_;
};

}  // namespace worker

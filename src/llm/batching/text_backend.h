#pragma once

#include "llm/batching/mask_thread.h"
#include "llm/batching/plan_step.h"
#include "llm/batching/residency.h"
#include "llm/batching/step_pace.h"
#include "llm/batching/text_job.h"
#include "llm/model/model_card.h"
#include "llm/model/text_model.h"
#include "llm/model/vocabulary.h"
#include "worker/base/clock.h"
#include "worker/engine/backend.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace llm {

// A model that is ready to compute, warmed up.
struct LoadedModel {
    std::shared_ptr<const Vocabulary> vocabulary;
    std::unique_ptr<TextModel> model;
    std::uint64_t kept_bytes_max = 0;  // host memory for texts outside the model
    ModelCard card = {};
};

// Finds, checks and loads the model. The model ends a forward() under way soon after `interrupted`
// is set, from any thread. Errors: start-up's codes; `cancelled` when the observer said so.
using ModelLoader = std::function<Result<LoadedModel>(const worker::LoadObserver&,
                                                      const std::atomic<bool>& interrupted)>;

// Text generation behind the neutral port: continuous batching over one TextModel. Jobs join and
// leave between steps. A job starts when its prompt fits beside what others hold; when they have
// grown until no cell is free, the youngest of the lowest priority is parked and comes back later.
class TextBackend final : public worker::InferenceBackend<GenerateJob, TextOutput> {
public:
    // `gap_max`: how long a prompt may hold up the streams that run beside it, about.
    TextBackend(ModelLoader loader, const worker::Clock& clock, std::chrono::milliseconds gap_max);

    Result<void> load(const worker::LoadObserver& observer) override;
    Result<std::optional<worker::Started>> start(worker::JobId id, GenerateJob& job) override;
    void cancel(worker::JobId id) override;
    Result<void> step(worker::Reports<TextOutput>& reports) override;
    worker::BackendStatus status() const override;
    void interrupt() override;

    // Requires: `load` has succeeded, and this thread knows it. Thread: any.
    std::shared_ptr<const Vocabulary> vocabulary() const { return loaded_.vocabulary; }
    const ModelCard& card() const { return loaded_.card; }
    std::uint32_t context_max() const { return loaded_.model->capabilities().context_max; }

private:
    std::uint32_t slots_max() const;
    // Parks slots until those that are left have the cells which they need.
    std::vector<Grant> plan();
    std::vector<Grant> plan_within(std::uint64_t cells) const;
    tl::expected<Logits, ForwardError> forward(const std::vector<Grant>& grants);
    // Samples for every run that asked for logits, and removes the jobs that have ended.
    void sample(const std::vector<Grant>& grants, const Logits& logits,
                worker::Reports<TextOutput>& reports);
    void remove(std::size_t slot);
    std::vector<worker::SlotStatus> slot_statuses() const;

    const ModelLoader loader_;
    const worker::Clock& clock_;
    std::atomic<bool> interrupted_ = false;  // Thread: any.
    LoadedModel loaded_;
    std::optional<Residency> residency_;  // once loaded
    std::vector<Slot> slots_;             // the highest priority first, then the oldest
    std::set<SequenceId> free_;
    bool cells_known_ = true;        // as the lengths of the texts say; not after a failed step
    std::uint64_t jobs_parked_ = 0;  // ever
    StepPace pace_;
    SamplingWorkspace workspace_;
    std::vector<Run> runs_;
    std::vector<Generation*> constrained_;  // of this step
    MaskThread masks_;
};

}  // namespace llm

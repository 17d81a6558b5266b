#pragma once

#include "llm/batching/generation.h"
#include "llm/batching/plan_step.h"
#include "llm/batching/text_job.h"
#include "llm/model/text_model.h"
#include "llm/model/vocabulary.h"
#include "worker/base/clock.h"
#include "worker/base/rate.h"
#include "worker/engine/backend.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace llm {

// A model that is ready to compute, warmed up.
struct LoadedModel {
    std::shared_ptr<const Vocabulary> vocabulary;
    std::unique_ptr<TextModel> model;
};

// Finds, checks and loads the model. The model ends a forward() under way soon after `interrupted`
// is set, from any thread. Errors: start-up's codes; `cancelled` when the observer said so.
using ModelLoader = std::function<Result<LoadedModel>(const worker::LoadObserver&,
                                                      const std::atomic<bool>& interrupted)>;

// Text generation behind the neutral port: continuous batching over one TextModel. Jobs join and
// leave between steps. Each holds a promise of all the cells it can ever need, so that none runs
// out of them.
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
    std::uint32_t context_max() const { return loaded_.model->capabilities().context_max; }

private:
    std::uint32_t slots() const;
    StepBudget budget() const;
    std::vector<Grant> plan() const;
    tl::expected<Logits, ForwardError> forward(const std::vector<Grant>& grants);
    // Samples for every run that asked for logits, and removes the jobs that have ended.
    void sample(const std::vector<Grant>& grants, const Logits& logits,
                worker::Reports<TextOutput>& reports);
    void remove(std::size_t slot);

    const ModelLoader loader_;
    const worker::Clock& clock_;
    const std::chrono::milliseconds gap_max_;
    std::atomic<bool> interrupted_ = false;  // Thread: any.
    LoadedModel loaded_;
    std::vector<std::unique_ptr<Generation>> generations_;  // oldest first
    std::vector<SequenceId> free_;
    std::uint64_t cells_promised_ = 0;
    worker::Rate prefill_rate_;
    SamplingWorkspace workspace_;
    std::vector<Run> runs_;
};

}  // namespace llm

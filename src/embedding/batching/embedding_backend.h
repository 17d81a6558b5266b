#pragma once

#include "embedding/batching/embedding_job.h"
#include "embedding/batching/plan_texts.h"
#include "embedding/model/embedding_model.h"
#include "llm/model/model_card.h"
#include "llm/model/vocabulary.h"
#include "worker/base/clock.h"
#include "worker/base/rate.h"
#include "worker/engine/backend.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace embedding {

// A model that is ready to compute, warmed up.
struct LoadedModel {
    std::shared_ptr<const llm::Vocabulary> vocabulary;
    std::unique_ptr<EmbeddingModel> model;
    std::uint32_t step_rows = 0;  // tokens in a step, unless a single text has more
    llm::ModelCard card = {};
};

// Finds, checks and loads the model. The model ends an embed() under way soon after `interrupted`
// is set, from any thread. Errors: start-up's codes; `cancelled` when the observer said so.
using ModelLoader = std::function<Result<LoadedModel>(const worker::LoadObserver&,
                                                      const std::atomic<bool>& interrupted)>;

// Texts to vectors behind the neutral port. A step computes texts of all jobs that run, which take
// turns; a job says its vectors as they come.
class EmbeddingBackend final : public worker::InferenceBackend<EmbedJob, EmbeddingOutput> {
public:
    EmbeddingBackend(ModelLoader loader, const worker::Clock& clock, std::uint32_t slots_max);

    Result<void> load(const worker::LoadObserver& observer) override;
    Result<std::optional<worker::Started>> start(worker::JobId id, EmbedJob& job) override;
    void cancel(worker::JobId id) override;
    Result<void> step(worker::Reports<EmbeddingOutput>& reports) override;
    worker::BackendStatus status() const override;
    void interrupt() override { interrupted_ = true; }

    // Requires: `load` has succeeded, and this thread knows it. Thread: any.
    std::shared_ptr<const llm::Vocabulary> vocabulary() const { return loaded_.vocabulary; }
    const llm::ModelCard& card() const { return loaded_.card; }
    const Capabilities& capabilities() const { return loaded_.model->capabilities(); }

private:
    // A job in its slot.
    struct Running {
        worker::JobId id;
        std::uint32_t slot;
        EmbedJob job;
        std::vector<std::uint32_t> lengths = {};  // tokens of each input
        std::size_t done = 0;                     // inputs that have their vectors
        std::uint32_t tokens_in = 0;
        worker::Clock::TimePoint first_output = {};
        bool failed = false;

        bool over() const { return failed || done == lengths.size(); }
    };

    Result<void> check(const EmbedJob& job) const;
    std::uint32_t free_slot() const;
    TextsPlan plan() const;
    void report(const std::vector<std::size_t>& jobs, const Vectors& vectors,
                worker::Reports<EmbeddingOutput>& reports);
    void remove(std::size_t job);

    const ModelLoader loader_;
    const worker::Clock& clock_;
    const std::uint32_t slots_max_;
    std::atomic<bool> interrupted_ = false;  // Thread: any.
    LoadedModel loaded_;
    std::vector<Running> running_;  // the oldest first
    std::size_t turn_ = 0;          // whose turn it is among them
    worker::Rate tokens_;
};

}  // namespace embedding

#include "llm/batching/text_backend.h"

#include "worker/base/assert.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace llm {

using worker::ErrorCode;
using worker::fail;
using worker::Started;

namespace {

// A step with prompt rows in it lasts about this long at most, so that a cancelled job's slot is
// free soon.
constexpr std::chrono::milliseconds step_max{250};
constexpr std::uint32_t prompt_rows_min = 32;

Result<void> step_error(ForwardError error) {
    switch (error) {
        case ForwardError::no_space:
            return fail(ErrorCode::vram_oom, "the KV cache has no room for this step");
        case ForwardError::aborted:
            return fail(ErrorCode::cancelled, "the worker is shutting down");
        case ForwardError::failed: break;
    }
    return fail(ErrorCode::inference_failed, "the model could not compute this step");
}

}  // namespace

TextBackend::TextBackend(ModelLoader loader, const worker::Clock& clock,
                         std::chrono::milliseconds gap_max)
    : loader_(std::move(loader)), clock_(clock), gap_max_(gap_max) {}

Result<void> TextBackend::load(const worker::LoadObserver& observer) {
    Result<LoadedModel> loaded = loader_(observer, interrupted_);
    if (!loaded) return fail(std::move(loaded.error()));
    loaded_ = std::move(*loaded);
    for (std::uint32_t i = slots(); i > 0; --i)
        free_.push_back(SequenceId{static_cast<std::int32_t>(i - 1)});
    return {};
}

Result<std::optional<Started>> TextBackend::start(worker::JobId id, GenerateJob& job) {
    const Capabilities& can = loaded_.model->capabilities();
    WORKER_ASSERT(!job.prompt.empty() && job.prompt.size() < can.context_max);
    if (free_.empty()) return std::optional<Started>{};
    const std::uint64_t cells = Generation::cells_max(job, can.context_max);
    if (cells_promised_ + cells > can.cells) return std::optional<Started>{};
    cells_promised_ += cells;
    const Started started{job.sampling.seed};
    generations_.push_back(std::make_unique<Generation>(id, free_.back(), std::move(job),
                                                        can.context_max, *loaded_.vocabulary));
    free_.pop_back();
    return started;
}

void TextBackend::cancel(worker::JobId id) {
    for (std::size_t i = 0; i < generations_.size(); ++i)
        if (generations_[i]->job() == id) return remove(i);
}

Result<void> TextBackend::step(worker::Reports<TextOutput>& reports) {
    const std::vector<Grant> grants = plan();
    const auto logits = forward(grants);
    if (!logits) return step_error(logits.error());
    sample(grants, *logits, reports);
    return {};
}

std::vector<Grant> TextBackend::plan() const {
    std::vector<SlotView> views;
    for (const auto& generation : generations_) views.push_back({generation->prompt_left()});
    return plan_step(views, budget());
}

StepBudget TextBackend::budget() const {
    const std::uint32_t rows = loaded_.model->capabilities().rows_max;
    const double rows_a_second = prefill_rate_.per_second();
    if (rows_a_second == 0) return {.rows_max = rows, .prompt_rows_max = rows};
    const auto rows_in = [&](std::chrono::duration<double> time) {
        const double affordable = rows_a_second * time.count();
        return static_cast<std::uint32_t>(
            std::clamp(affordable, double{prompt_rows_min}, double(rows)));
    };
    return {.rows_max = std::min(rows, rows_in(step_max) + slots()),
            .prompt_rows_max = rows_in(gap_max_)};
}

tl::expected<Logits, ForwardError> TextBackend::forward(const std::vector<Grant>& grants) {
    runs_.clear();
    std::uint64_t rows = 0;
    for (const Grant& grant : grants) {
        const Generation& generation = *generations_[grant.slot];
        runs_.push_back({.sequence = generation.sequence(),
                         .position = generation.length(),
                         .tokens = generation.next_tokens(grant.tokens),
                         .output_last = generation.wants_logits(grant.tokens)});
        rows += grant.tokens;
    }
    const worker::Clock::TimePoint began = clock_.now();
    auto logits = loaded_.model->forward(runs_);
    const bool prefilled = rows > grants.size();
    if (logits && prefilled) prefill_rate_.add(rows, clock_.now() - began);
    return logits;
}

void TextBackend::sample(const std::vector<Grant>& grants, const Logits& logits,
                         worker::Reports<TextOutput>& reports) {
    const worker::Clock::TimePoint now = clock_.now();
    std::vector<std::size_t> ended;
    std::size_t row = 0;
    for (const Grant& grant : grants) {
        Generation& generation = *generations_[grant.slot];
        const bool wants_logits = generation.wants_logits(grant.tokens);
        generation.advance(grant.tokens);
        if (wants_logits && generation.sample(logits.row(row++), workspace_, now, reports))
            ended.push_back(grant.slot);
    }
    std::sort(ended.begin(), ended.end(), std::greater<>());
    for (const std::size_t slot : ended) remove(slot);
}

void TextBackend::remove(std::size_t slot) {
    const Generation& generation = *generations_[slot];
    loaded_.model->release(generation.sequence());
    free_.push_back(generation.sequence());
    cells_promised_ -= generation.cells_max();
    generations_.erase(generations_.begin() + static_cast<std::ptrdiff_t>(slot));
}

std::uint32_t TextBackend::slots() const {
    return loaded_.model ? loaded_.model->capabilities().sequences_decoded_max : 0;
}

worker::BackendStatus TextBackend::status() const {
    worker::BackendStatus status;
    if (!loaded_.model) return status;
    status.slots_total = slots();
    status.slots_busy = static_cast<std::uint32_t>(generations_.size());
    status.cells_total = loaded_.model->capabilities().cells;
    for (const auto& generation : generations_) status.cells_used += generation->length();
    status.device_bytes = loaded_.model->device_bytes();
    status.host_bytes = loaded_.model->host_bytes();
    status.units_in_per_second = prefill_rate_.per_second();
    return status;
}

void TextBackend::interrupt() {
    interrupted_ = true;
}

}  // namespace llm

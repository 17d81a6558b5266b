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
    : loader_(std::move(loader)), clock_(clock), pace_(gap_max) {}

Result<void> TextBackend::load(const worker::LoadObserver& observer) {
    Result<LoadedModel> loaded = loader_(observer, interrupted_);
    if (!loaded) return fail(std::move(loaded.error()));
    loaded_ = std::move(*loaded);
    residency_.emplace(*loaded_.model, loaded_.kept_bytes_max);
    for (std::uint32_t i = 0; i < slots_max(); ++i)
        free_.insert(SequenceId{static_cast<std::int32_t>(i)});
    return {};
}

Result<std::optional<Started>> TextBackend::start(worker::JobId id, GenerateJob& job) {
    const Capabilities& can = loaded_.model->capabilities();
    WORKER_ASSERT(!job.prompt.empty() && job.prompt.size() < can.context_max);
    if (free_.empty() || !residency_->has_room(slots_, job)) return std::optional<Started>{};
    const Started started{job.sampling.seed};
    Slot slot{std::make_unique<Generation>(id, *free_.begin(), std::move(job), can.context_max,
                                           *loaded_.vocabulary)};
    free_.erase(free_.begin());
    const auto behind = std::ranges::find_if(slots_, [&](const Slot& other) {
        return other.generation->priority() < slot.generation->priority();
    });
    slots_.insert(behind, std::move(slot));
    return started;
}

void TextBackend::cancel(worker::JobId id) {
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (slots_[i].generation->job() == id) return remove(i);
}

Result<void> TextBackend::step(worker::Reports<TextOutput>& reports) {
    residency_->let_in(slots_);
    std::vector<Grant> grants = plan();
    if (grants.empty()) return {};  // All that have room are still on their way in.
    // Models that batch by sequences want those next to each other.
    std::ranges::sort(
        grants, {}, [&](const Grant& grant) { return slots_[grant.slot].generation->sequence(); });
    cells_known_ = false;  // Until the step has succeeded.
    const auto logits = forward(grants);
    if (!logits) return step_error(logits.error());
    cells_known_ = true;
    sample(grants, *logits, reports);
    return {};
}

std::vector<Grant> TextBackend::plan() {
    while (true) {
        std::vector<Grant> grants = plan_within(residency_->cells_free());
        const auto has_grant = [&](std::size_t slot) {
            return std::ranges::find(grants, slot, &Grant::slot) != grants.end();
        };
        std::size_t inside = 0;
        std::size_t last_inside = 0;
        bool starved = grants.empty();
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].place != Place::inside) continue;
            ++inside;
            last_inside = i;
            if (slots_[i].generation->rows_next() == 1 && !has_grant(i)) starved = true;
        }
        if (!starved || inside <= 1) return grants;
        residency_->take_out(slots_[last_inside]);
        ++jobs_parked_;
    }
}

std::vector<Grant> TextBackend::plan_within(std::uint64_t cells) const {
    std::vector<SlotView> views;
    std::uint32_t decoding = 0;
    std::uint32_t prompts = 0;
    for (const Slot& slot : slots_) {
        const std::uint32_t left = slot.place == Place::inside ? slot.generation->rows_next() : 0;
        views.push_back({left});
        if (left == 1) ++decoding;
        if (left != 1) ++prompts;
    }
    const std::uint64_t rows =
        std::min<std::uint64_t>(loaded_.model->capabilities().rows_max, cells);
    const StepBudget budget{.rows_max = static_cast<std::uint32_t>(rows),
                            .prompt_rows_max = pace_.prompt_rows_max(decoding, prompts)};
    return plan_step(views, budget);
}

tl::expected<Logits, ForwardError> TextBackend::forward(const std::vector<Grant>& grants) {
    runs_.clear();
    constrained_.clear();
    std::uint32_t decode_rows = 0;
    std::uint32_t prompt_rows = 0;
    for (const Grant& grant : grants) {
        Generation& generation = *slots_[grant.slot].generation;
        runs_.push_back({.sequence = generation.sequence(),
                         .position = generation.length(),
                         .tokens = generation.next_tokens(grant.tokens),
                         .output_last = generation.wants_logits(grant.tokens)});
        if (generation.is_constrained() && generation.samples(grant.tokens))
            constrained_.push_back(&generation);
        (generation.rows_next() == 1 ? decode_rows : prompt_rows) += grant.tokens;
    }
    const worker::Clock::TimePoint began = clock_.now();
    if (!constrained_.empty()) masks_.begin(constrained_);
    auto logits = loaded_.model->forward(runs_);
    if (!constrained_.empty()) masks_.wait();
    if (logits) pace_.add(decode_rows, prompt_rows, clock_.now() - began);
    return logits;
}

void TextBackend::sample(const std::vector<Grant>& grants, const Logits& logits,
                         worker::Reports<TextOutput>& reports) {
    const worker::Clock::TimePoint now = clock_.now();
    std::vector<std::size_t> ended;
    std::size_t row = 0;
    for (const Grant& grant : grants) {
        Slot& slot = slots_[grant.slot];
        Generation& generation = *slot.generation;
        const bool wants_logits = generation.wants_logits(grant.tokens);
        if (generation.is_untouched() && generation.cached() > 0)
            reports.push_back({generation.job(), worker::Reused{generation.cached()}});
        residency_->computed(slot, grant.tokens);
        if (wants_logits && generation.sample(logits.row(row++), workspace_, now, reports))
            ended.push_back(grant.slot);
    }
    std::sort(ended.begin(), ended.end(), std::greater<>());
    for (const std::size_t slot : ended) remove(slot);
}

void TextBackend::remove(std::size_t slot) {
    cells_known_ ? residency_->leave(slots_[slot]) : residency_->discard(slots_[slot]);
    free_.insert(slots_[slot].generation->sequence());
    slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(slot));
}

std::uint32_t TextBackend::slots_max() const {
    return loaded_.model ? loaded_.model->capabilities().sequences_max : 0;
}

worker::BackendStatus TextBackend::status() const {
    worker::BackendStatus status;
    if (!loaded_.model) return status;
    status.slots_total = slots_max();
    status.slots_busy = static_cast<std::uint32_t>(slots_.size());
    status.slots = slot_statuses();
    status.cells_total = loaded_.model->capabilities().cells;
    status.cells_used = static_cast<std::uint32_t>(residency_->cells_used());
    status.jobs_parked = jobs_parked_;
    status.device_bytes = loaded_.model->device_bytes();
    status.host_bytes = loaded_.model->host_bytes();
    status.units_in_per_second = pace_.prompt_rows_per_second();
    return status;
}

std::vector<worker::SlotStatus> TextBackend::slot_statuses() const {
    std::vector<worker::SlotStatus> statuses(slots_max());
    for (const Slot& slot : slots_) {
        const Generation& generation = *slot.generation;
        worker::SlotStatus& status = statuses[static_cast<std::size_t>(generation.sequence())];
        status = generation.status();
        if (slot.place == Place::outside && !generation.is_untouched())
            status.state = worker::SlotState::parked;
    }
    for (std::uint32_t id = 0; id < statuses.size(); ++id) statuses[id].id = id;
    return statuses;
}

void TextBackend::interrupt() {
    interrupted_ = true;
}

}  // namespace llm

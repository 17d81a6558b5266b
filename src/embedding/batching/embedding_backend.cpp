#include "embedding/batching/embedding_backend.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

namespace embedding {

using worker::ErrorCode;
using worker::fail;
using worker::Started;

EmbeddingBackend::EmbeddingBackend(ModelLoader loader, const worker::Clock& clock,
                                   std::uint32_t slots_max)
    : loader_(std::move(loader)), clock_(clock), slots_max_(slots_max) {}

Result<void> EmbeddingBackend::load(const worker::LoadObserver& observer) {
    Result<LoadedModel> loaded = loader_(observer, interrupted_);
    if (!loaded) return fail(std::move(loaded.error()));
    loaded_ = std::move(*loaded);
    return {};
}

Result<std::optional<Started>> EmbeddingBackend::start(worker::JobId id, EmbedJob& job) {
    if (auto checked = check(job); !checked) return fail(std::move(checked.error()));
    if (running_.size() == slots_max_) return std::optional<Started>{};
    Running taken{.id = id, .slot = free_slot(), .job = std::move(job)};
    for (const std::vector<llm::Token>& input : taken.job.inputs) {
        taken.lengths.push_back(static_cast<std::uint32_t>(input.size()));
        taken.tokens_in += taken.lengths.back();
    }
    running_.push_back(std::move(taken));
    return Started{.seed = 0};
}

// What would fail the whole step, and with it the jobs of others.
Result<void> EmbeddingBackend::check(const EmbedJob& job) const {
    const Capabilities& can = capabilities();
    if (job.inputs.empty()) return fail(ErrorCode::invalid_request, "there is no input");
    for (const std::vector<llm::Token>& input : job.inputs) {
        if (input.empty() || input.size() > can.context_max) {
            return fail(ErrorCode::invalid_request, "an input has " + std::to_string(input.size()) +
                                                        " tokens, and the model reads 1 to " +
                                                        std::to_string(can.context_max) +
                                                        ": split it");
        }
        const bool known = std::ranges::all_of(input, [&](llm::Token token) {
            return token >= 0 && static_cast<std::uint32_t>(token) < can.vocabulary_size;
        });
        if (!known)
            return fail(ErrorCode::invalid_request, "an input has a token that the model has not");
    }
    return {};
}

std::uint32_t EmbeddingBackend::free_slot() const {
    std::uint32_t slot = 0;
    while (std::ranges::find(running_, slot, &Running::slot) != running_.end()) ++slot;
    return slot;
}

void EmbeddingBackend::cancel(worker::JobId id) {
    const auto found = std::ranges::find(running_, id, &Running::id);
    if (found != running_.end()) remove(static_cast<std::size_t>(found - running_.begin()));
}

Result<void> EmbeddingBackend::step(worker::Reports<EmbeddingOutput>& reports) {
    const TextsPlan chosen = plan();
    turn_ = chosen.next_turn;
    std::vector<Text> texts;
    std::vector<std::size_t> taken(running_.size());
    std::size_t tokens = 0;
    for (const std::size_t job : chosen.jobs) {
        texts.emplace_back(running_[job].job.inputs[running_[job].done + taken[job]++]);
        tokens += texts.back().size();
    }
    const worker::Clock::TimePoint began = clock_.now();
    const auto vectors = loaded_.model->embed(texts);
    if (!vectors) return fail(vectors.error());
    tokens_.add(tokens, clock_.now() - began);
    report(chosen.jobs, *vectors, reports);
    return {};
}

TextsPlan EmbeddingBackend::plan() const {
    std::vector<TextLengths> waiting;
    for (const Running& each : running_)
        waiting.push_back(std::span(each.lengths).subspan(each.done));
    return plan_texts(waiting, turn_,
                      {.rows_max = loaded_.step_rows, .texts_max = capabilities().texts_max});
}

void EmbeddingBackend::report(const std::vector<std::size_t>& jobs, const Vectors& vectors,
                              worker::Reports<EmbeddingOutput>& reports) {
    const worker::Clock::TimePoint now = clock_.now();
    std::vector<EmbeddingOutput> outputs(running_.size());
    for (std::size_t text = 0; text < jobs.size(); ++text) {
        Running& of = running_[jobs[text]];
        const std::span<const float> row = vectors.row(text);
        if (of.done == 0) of.first_output = now;
        of.failed = of.failed || std::isnan(row.front());
        outputs[jobs[text]].embeddings.push_back(
            {static_cast<std::uint32_t>(of.done++), {row.begin(), row.end()}});
    }
    for (std::size_t job = running_.size(); job-- > 0;) {
        const Running& of = running_[job];
        if (!of.failed && !outputs[job].embeddings.empty())
            reports.push_back({of.id, std::move(outputs[job])});
        if (!of.over()) continue;
        if (of.failed) {
            reports.push_back({of.id, worker::Failed{{ErrorCode::inference_failed,
                                                      "the model's numbers overflow at an input",
                                                      {}}}});
        } else {
            reports.push_back(
                {of.id,
                 worker::Ended{.tokens_in = of.tokens_in,
                               .tokens_out = static_cast<std::uint32_t>(of.done),
                               .decode_time = std::chrono::duration_cast<std::chrono::milliseconds>(
                                   now - of.first_output)}});
        }
        remove(job);
    }
}

void EmbeddingBackend::remove(std::size_t job) {
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(job));
    if (turn_ > job) --turn_;
    if (turn_ >= running_.size()) turn_ = 0;
}

worker::BackendStatus EmbeddingBackend::status() const {
    worker::BackendStatus status;
    if (!loaded_.model) return status;
    status.slots_total = slots_max_;
    status.slots_busy = static_cast<std::uint32_t>(running_.size());
    status.slots.resize(slots_max_);
    for (const Running& each : running_) {
        status.slots[each.slot] = {
            .state = each.done == 0 ? worker::SlotState::prefill : worker::SlotState::decode,
            .job = each.id,
            .units_in = each.tokens_in,
            .units_out = static_cast<std::uint32_t>(each.done)};
    }
    for (std::uint32_t id = 0; id < slots_max_; ++id) status.slots[id].id = id;
    status.device_bytes = loaded_.model->device_bytes();
    status.host_bytes = loaded_.model->host_bytes();
    status.units_in_per_second = tokens_.per_second();
    return status;
}

}  // namespace embedding

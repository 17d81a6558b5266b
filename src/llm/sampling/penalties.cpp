#include "llm/sampling/penalties.h"

#include "worker/base/assert.h"

#include <ranges>

namespace llm {

PatchedLogits::PatchedLogits(std::span<float> logits, std::vector<Change>& changes)
    : logits_(logits), changes_(changes) {
    changes_.clear();
}

PatchedLogits::~PatchedLogits() {
    // Backwards, because a token that changed twice was at first as it was changed first.
    for (const Change& change : std::views::reverse(changes_)) {
        logits_[static_cast<std::size_t>(change.token)] = change.before;
    }
}

float& PatchedLogits::operator[](Token token) {
    const auto index = static_cast<std::size_t>(token);
    WORKER_ASSERT(index < logits_.size());
    changes_.push_back({token, logits_[index]});
    return logits_[index];
}

Penalties::Penalties(const SamplingSettings& settings)
    : repetition_(settings.repetition_penalty == 0
                      ? 1.0F
                      : static_cast<float>(settings.repetition_penalty)),
      frequency_(static_cast<float>(settings.frequency_penalty)),
      presence_(static_cast<float>(settings.presence_penalty)),
      last_n_(settings.repeat_last_n),
      biases_(settings.logit_bias) {}

void Penalties::see_prompt(std::span<const Token> prompt) {
    if (repetition_ == 1) return;
    if (last_n_ > 0 && prompt.size() > last_n_) prompt = prompt.last(last_n_);
    for (const Token token : prompt) remember(token);
}

void Penalties::accept(Token token) {
    if (repetition_ != 1) remember(token);
    if (frequency_ != 0 || presence_ != 0) ++chosen_[token];
}

void Penalties::remember(Token token) {
    ++repeats_[token];
    if (last_n_ == 0) return;
    recent_.push_back(token);
    if (recent_.size() <= last_n_) return;
    const auto oldest = repeats_.find(recent_.front());
    if (--oldest->second == 0) repeats_.erase(oldest);
    recent_.pop_front();
}

// Source: Keskar et al., "CTRL" (2019), section 4.1, with llama.cpp's case for negative logits;
// OpenAI, "Advanced usage", "Parameter details", for frequency and presence.
void Penalties::apply(PatchedLogits& logits) const {
    for (const LogitBias& each : biases_) logits[each.token] += each.bias;
    for (const auto& [token, count] : repeats_) {
        float& logit = logits[token];
        logit = logit > 0 ? logit / repetition_ : logit * repetition_;
    }
    for (const auto& [token, count] : chosen_) {
        logits[token] -= static_cast<float>(count) * frequency_ + presence_;
    }
}

}  // namespace llm

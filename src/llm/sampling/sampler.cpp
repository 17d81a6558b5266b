#include "llm/sampling/sampler.h"

#include "worker/base/assert.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace llm {

namespace {

using Candidate = SamplingWorkspace::Candidate;

constexpr float infinity = std::numeric_limits<float>::infinity();

bool comes_before(const Candidate& a, const Candidate& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

// Fixed by ourselves, because standard libraries differ in uniform_real_distribution. [0, 1)
double to_unit_interval(std::uint64_t bits) {
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

// e to the power of (logit - largest) / temperature. Comparisons with NaN are false, so that it
// weighs nothing, as -infinity does.
float weight(float logit, float largest, float temperature) {
    return logit > -infinity ? std::exp((std::min(logit, largest) - largest) / temperature) : 0.0F;
}

// The index of the first largest value; the size when all are -infinity or NaN.
std::size_t index_of_largest(std::span<const float> values) {
    std::size_t best = values.size();
    float largest = -infinity;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] > largest) {
            largest = values[i];
            best = i;
        }
    }
    return best;
}

// Those of at least `floor`, in the order of the tokens.
void keep_from(double floor, std::span<const float> logits, std::vector<Candidate>& out) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > -infinity && logits[i] >= floor) {
            out.push_back({logits[i], static_cast<Token>(i)});
        }
    }
}

// The first `count` in order. One pass: whenever twice as many have gathered, the better half
// stays and its last one becomes the threshold for what follows.
void keep_first(std::size_t count, std::span<const float> logits, std::vector<Candidate>& out) {
    const auto drop_rest = [&] {
        if (out.size() <= count) return;
        std::nth_element(out.begin(), out.begin() + count - 1, out.end(), comes_before);
        out.resize(count);
    };
    float threshold = -infinity;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        // An equal one that comes later is never better.
        if (!(logits[i] > threshold)) continue;
        out.push_back({logits[i], static_cast<Token>(i)});
        if (out.size() == 2 * count) {
            drop_rest();
            threshold = out.back().logit;
        }
    }
    drop_rest();
    std::sort(out.begin(), out.end(), comes_before);
}

// The shortest beginning of the candidates, in order, that weighs `wanted`. Sorts no more than it
// must, since a few candidates usually suffice.
void keep_heaviest(double wanted, float largest, std::vector<Candidate>& candidates) {
    double sum = 0;
    for (std::size_t begin = 0, end = 0; begin < candidates.size(); begin = end) {
        end = std::min(candidates.size(), std::max<std::size_t>(64, 4 * begin));
        const auto first = candidates.begin() + begin;
        const auto last = candidates.begin() + end;
        if (last != candidates.end()) std::nth_element(first, last, candidates.end(), comes_before);
        std::sort(first, last, comes_before);
        for (std::size_t i = begin; i < end; ++i) {
            sum += weight(candidates[i].logit, largest, 1.0F);
            if (sum >= wanted) {
                candidates.resize(i + 1);
                return;
            }
        }
    }
}

}  // namespace

Sampler::Sampler(const SamplingSettings& settings)
    : settings_(settings), generator_(settings.seed) {}

bool Sampler::penalizes() const {
    return settings_.repetition_penalty != 0 && settings_.repetition_penalty != 1;
}

void Sampler::accept(Token token) {
    if (!penalizes()) return;
    ++repeats_[token];
    if (settings_.repeat_last_n == 0) return;
    history_.push_back(token);
    if (history_.size() <= settings_.repeat_last_n) return;
    const auto oldest = repeats_.find(history_.front());
    if (--oldest->second == 0) repeats_.erase(oldest);
    history_.pop_front();
}

Result<Token> Sampler::sample(std::span<const float> logits, SamplingWorkspace& workspace) {
    if (penalizes()) logits = penalize(logits, workspace.penalized);

    const std::size_t likeliest = index_of_largest(logits);
    if (likeliest == logits.size()) {
        return worker::fail(worker::ErrorCode::inference_failed, "the model gave no usable logit");
    }
    const auto temperature = static_cast<float>(settings_.temperature);
    if (temperature <= 0) return static_cast<Token>(likeliest);

    const float largest = std::min(logits[likeliest], std::numeric_limits<float>::max());
    std::vector<float>& weights = workspace.weights;
    weights.clear();
    if (settings_.top_k == 0 && settings_.top_p >= 1 && settings_.min_p <= 0) {
        for (const float logit : logits) weights.push_back(weight(logit, largest, temperature));
        return static_cast<Token>(draw(weights));
    }

    filter(logits, largest, workspace);
    for (const Candidate& candidate : workspace.candidates) {
        weights.push_back(weight(candidate.logit, largest, temperature));
    }
    return workspace.candidates[draw(weights)].token;
}

// Source: Keskar et al., "CTRL" (2019), section 4.1, with llama.cpp's case for negative logits.
std::span<const float> Sampler::penalize(std::span<const float> logits,
                                         std::vector<float>& out) const {
    out.assign(logits.begin(), logits.end());
    const auto penalty = static_cast<float>(settings_.repetition_penalty);
    for (const auto& [token, count] : repeats_) {
        WORKER_ASSERT(static_cast<std::size_t>(token) < out.size());
        float& logit = out[static_cast<std::size_t>(token)];
        logit = logit > 0 ? logit / penalty : logit * penalty;
    }
    return out;
}

void Sampler::filter(std::span<const float> logits, float largest,
                     SamplingWorkspace& workspace) const {
    std::vector<Candidate>& candidates = workspace.candidates;
    candidates.clear();
    const bool top_p_on = settings_.top_p < 1;
    const double min_p_floor =
        settings_.min_p > 0 ? largest + std::log(settings_.min_p) : -infinity;

    double total = 0;
    if (settings_.top_k > 0) {
        keep_first(std::min<std::size_t>(settings_.top_k, logits.size()), logits, candidates);
        for (const Candidate& c : candidates) total += weight(c.logit, largest, 1.0F);
        std::erase_if(candidates, [&](const Candidate& c) { return c.logit < min_p_floor; });
    } else if (top_p_on) {
        for (const float logit : logits) total += weight(logit, largest, 1.0F);
        // All tokens less likely than (1 - top_p) / n_vocab are together less likely than
        // 1 - top_p, so the others contain what top-p keeps. A little less, for rounding.
        const double share = (1 - settings_.top_p) / static_cast<double>(logits.size());
        const double top_p_floor = largest + std::log(total * share) - 0.01;
        keep_from(std::max(top_p_floor, min_p_floor), logits, candidates);
    } else {
        keep_from(min_p_floor, logits, candidates);
    }
    // Both cut off the end of the ordered candidates: it is the same whichever comes first.
    if (top_p_on) keep_heaviest(settings_.top_p * total, largest, candidates);
}

std::size_t Sampler::draw(std::span<const float> weights) {
    double total = 0;
    for (const float each : weights) total += each;
    double remaining = to_unit_interval(generator_()) * total;
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] <= 0) continue;
        chosen = i;  // Stays the last possible one, should rounding leave a remainder.
        remaining -= weights[i];
        if (remaining < 0) break;
    }
    return chosen;
}

}  // namespace llm

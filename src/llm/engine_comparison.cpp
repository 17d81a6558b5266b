#include "llm/engine_comparison.h"

#include "worker/base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace llm {

namespace {

SequenceId sequence(std::size_t index) {
    return SequenceId{static_cast<std::int32_t>(index)};
}

Logits compute(TextModel& model, std::span<const Run> runs) {
    const auto logits = model.forward(runs);
    WORKER_ASSERT(logits.has_value());
    return *logits;
}

void release(TextModel& model, std::size_t sequences) {
    for (std::size_t i = 0; i < sequences; ++i) model.release(sequence(i));
}

// log(sum(exp(logits)))
double log_sum(std::span<const float> logits) {
    const double greatest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(double{logit} - greatest);
    return greatest + std::log(sum);
}

Token likeliest(std::span<const float> logits) {
    return static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

float lead(std::span<const float> logits) {
    float best = -std::numeric_limits<float>::infinity();
    float runner_up = best;
    for (const float logit : logits) {
        runner_up = std::max(runner_up, std::min(best, logit));
        best = std::max(best, logit);
    }
    return best - runner_up;
}

// Sums over positions.
struct Sums {
    EngineComparison total;  // of which the means are sums still
    double surprise = 0;     // by the reference
    double surprise_other = 0;
    std::uint64_t surprises = 0;

    void add(std::span<const float> reference, std::span<const float> other,
             std::optional<Token> next) {
        const double norm = log_sum(reference);
        const double norm_other = log_sum(other);
        double divergence = 0;
        double entropy = 0;
        for (std::size_t i = 0; i < reference.size(); ++i) {
            const double log_p = double{reference[i]} - norm;
            const double p = std::exp(log_p);
            divergence += p * (log_p - (double{other[i]} - norm_other));
            entropy -= p * log_p;
        }
        ++total.positions;
        total.divergence += divergence;
        total.divergence_max = std::max(total.divergence_max, divergence);
        total.entropy += entropy;
        total.same_choice += likeliest(reference) == likeliest(other) ? 1 : 0;
        if (!next) return;
        ++surprises;
        surprise += norm - double{reference[static_cast<std::size_t>(*next)]};
        surprise_other += norm_other - double{other[static_cast<std::size_t>(*next)]};
    }

    EngineComparison means() const {
        EngineComparison mean = total;
        const auto positions = static_cast<double>(total.positions);
        mean.divergence /= positions;
        mean.entropy /= positions;
        mean.same_choice /= positions;
        const auto told = static_cast<double>(std::max<std::uint64_t>(surprises, 1));
        mean.perplexity = std::exp(surprise / told);
        mean.perplexity_ratio = std::exp((surprise_other - surprise) / told);
        return mean;
    }
};

// One token of each text that has one at this place.
std::vector<Run> runs_at(std::span<const TokenText> texts, std::size_t position) {
    std::vector<Run> runs;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (position >= texts[i].size()) continue;
        runs.push_back({sequence(i), static_cast<std::uint32_t>(position),
                        std::span(texts[i]).subspan(position, 1), true});
    }
    return runs;
}

}  // namespace

std::string EngineComparison::heading() {
    return "positions  mean KL   max KL    entropy  same choice  perplexity  ratio";
}

std::string EngineComparison::line() const {
    return fmt::format("{:9}  {:.2e}  {:.2e}  {:7.3f}  {:10.2f}%  {:10.3f}  {:.6f}", positions,
                       divergence, divergence_max, entropy, 100 * same_choice, perplexity,
                       perplexity_ratio);
}

EngineComparison compare(TextModel& reference, TextModel& other, std::span<const TokenText> texts) {
    Sums sums;
    for (std::size_t position = 0;; ++position) {
        const std::vector<Run> runs = runs_at(texts, position);
        if (runs.empty()) break;
        const Logits expected = compute(reference, runs);
        const Logits actual = compute(other, runs);
        for (std::size_t i = 0; i < runs.size(); ++i) {
            const TokenText& text = texts[static_cast<std::size_t>(runs[i].sequence)];
            const bool ends = position + 1 == text.size();
            sums.add(expected.row(i), actual.row(i),
                     ends ? std::nullopt : std::optional(text[position + 1]));
        }
    }
    release(reference, texts.size());
    release(other, texts.size());
    return sums.means();
}

GreedyText greedy(TextModel& model, const TokenText& prompt, std::size_t count) {
    GreedyText text;
    TokenText next = prompt;
    std::uint32_t position = 0;
    while (text.tokens.size() < count) {
        const Run run = {sequence(0), position, next, true};
        const Logits logits = compute(model, {&run, 1});
        position += static_cast<std::uint32_t>(next.size());
        next = {likeliest(logits.row(0))};
        text.tokens.push_back(next[0]);
        text.leads.push_back(lead(logits.row(0)));
    }
    release(model, 1);
    return text;
}

float lead_where_they_part(const GreedyText& reference, const GreedyText& other) {
    WORKER_ASSERT(reference.tokens.size() == other.tokens.size());
    for (std::size_t i = 0; i < reference.tokens.size(); ++i) {
        if (reference.tokens[i] != other.tokens[i]) return reference.leads[i];
    }
    return 0;
}

std::vector<float> logits_of(TextModel& model, const TokenText& text, std::uint32_t chunk) {
    std::vector<float> all;
    for (std::size_t begin = 0; begin < text.size(); begin += chunk) {
        const Run run = {
            sequence(0), static_cast<std::uint32_t>(begin),
            std::span(text).subspan(begin, std::min<std::size_t>(chunk, text.size() - begin)),
            true};
        const Logits logits = compute(model, {&run, 1});
        all.insert(all.end(), logits.values.begin(), logits.values.end());
    }
    release(model, 1);
    return all;
}

std::vector<std::vector<float>> logits_together(TextModel& model,
                                                std::span<const TokenText> texts) {
    std::vector<std::vector<float>> all(texts.size());
    std::vector<std::size_t> lengths(texts.size(), 0);
    for (std::size_t step = 0;; ++step) {
        std::vector<Run> runs;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            if (step < i / 2 || lengths[i] == texts[i].size()) continue;
            runs.push_back({sequence(i), static_cast<std::uint32_t>(lengths[i]),
                            std::span(texts[i]).subspan(lengths[i], 1), true});
        }
        if (runs.empty()) break;
        const Logits logits = compute(model, runs);
        for (std::size_t row = 0; row < runs.size(); ++row) {
            const auto i = static_cast<std::size_t>(runs[row].sequence);
            all[i].insert(all[i].end(), logits.row(row).begin(), logits.row(row).end());
            ++lengths[i];
        }
    }
    release(model, texts.size());
    return all;
}

TokenText random_text(std::uint64_t seed, std::size_t tokens, std::uint32_t vocabulary_size) {
    TokenText text;
    // Splitmix64.
    std::uint64_t state = seed << 32;
    while (text.size() < tokens) {
        state += 0x9e3779b97f4a7c15;
        std::uint64_t bits = state;
        bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
        bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
        text.push_back(static_cast<Token>((bits ^ bits >> 31) % vocabulary_size));
    }
    return text;
}

}  // namespace llm

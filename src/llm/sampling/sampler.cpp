#include "llm/sampling/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

namespace llm {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// As a weight can be relative to it.
float finite(float largest) {
    return std::min(largest, std::numeric_limits<float>::max());
}

// Fixed by ourselves, because standard libraries differ in uniform_real_distribution. [0, 1)
double to_unit_interval(std::uint64_t bits) {
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

// The index of the weight that `point` falls on, which is then what of it goes into that one. The
// last that weighs anything, should rounding have put the point behind it.
std::size_t find(double& point, std::span<const float> weights) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] <= 0) continue;
        found = i;
        if (point < weights[i]) break;
        point -= weights[i];
    }
    return found;
}

// Grammars usually allow very few tokens or nearly all, so that most words of 32 are one case.
void keep_allowed(std::span<const float> logits, std::span<const std::uint32_t> allowed,
                  std::vector<float>& kept) {
    kept.assign(logits.size(), -infinity);
    for (std::size_t word = 0; word < allowed.size(); ++word) {
        const std::size_t first = word * 32;
        if (allowed[word] == 0xFFFF'FFFF && first + 32 <= logits.size()) {
            std::copy_n(logits.begin() + static_cast<std::ptrdiff_t>(first), 32,
                        kept.begin() + static_cast<std::ptrdiff_t>(first));
            continue;
        }
        for (std::uint32_t left = allowed[word]; left != 0; left &= left - 1) {
            const std::size_t token = first + static_cast<std::size_t>(std::countr_zero(left));
            if (token < logits.size()) kept[token] = logits[token];
        }
    }
}

// The shortest beginning of the candidates, in order, that weighs `wanted`. Sorts no more than it
// must, since a few candidates usually suffice.
void keep_heaviest(double wanted, const Weighing& weighing, std::vector<Candidate>& candidates) {
    double sum = 0;
    for (std::size_t begin = 0, end = 0; begin < candidates.size(); begin = end) {
        end = std::min(candidates.size(), std::max<std::size_t>(64, 4 * begin));
        const auto first = candidates.begin() + begin;
        const auto last = candidates.begin() + end;
        if (last != candidates.end()) std::nth_element(first, last, candidates.end(), comes_before);
        std::sort(first, last, comes_before);
        for (std::size_t i = begin; i < end; ++i) {
            sum += weighing.weight(candidates[i].logit);
            if (sum >= wanted) {
                candidates.resize(i + 1);
                return;
            }
        }
    }
}

}  // namespace

Sampler::Sampler(const SamplingSettings& settings)
    : settings_(settings), penalties_(settings), generator_(settings.seed) {}

Result<Token> Sampler::sample(const Choice& choice, SamplingWorkspace& workspace) {
    if (choice.allowed.empty()) return sample_from(choice.logits, choice.banned, workspace);
    keep_allowed(choice.logits, choice.allowed, workspace.masked);
    return sample_from(workspace.masked, choice.banned, workspace);
}

Result<Token> Sampler::sample_from(std::span<float> row, std::span<const Token> banned,
                                   SamplingWorkspace& workspace) {
    PatchedLogits patched(row, workspace.changes);
    penalties_.apply(patched);
    for (const Token token : banned) patched[token] = -infinity;

    const std::span<const float> logits = row;
    const bool greedy = static_cast<float>(settings_.temperature) <= 0;
    const bool all = settings_.top_k == 0 && settings_.top_p >= 1 && settings_.min_p <= 0;
    std::optional<Token> token;
    if (greedy) {
        const std::size_t likeliest = likeliest_of(logits);
        if (likeliest < logits.size()) token = static_cast<Token>(likeliest);
    } else if (all) {
        token = draw_from_all(logits, workspace.weights);
    } else {
        token = draw_from_filtered(logits, workspace);
    }
    if (token) return *token;
    return worker::fail(worker::ErrorCode::inference_failed, "no token can be chosen");
}

std::optional<Token> Sampler::draw_from_all(std::span<const float> logits,
                                            std::vector<float>& weights) {
    const std::size_t likeliest = likeliest_of(logits);
    if (likeliest == logits.size()) return std::nullopt;
    const Weighing weighing = weighing_from(logits[likeliest]);
    const LogitBlocks blocks(logits);
    weights.clear();
    for (std::size_t i = 0; i < blocks.count(); ++i) weights.push_back(weighing.total(blocks[i]));

    double point = point_in(weights);
    const std::size_t block = find(point, weights);
    std::array<float, LogitBlocks::size> within;
    weighing.weights(blocks[block], within);
    return static_cast<Token>(block * LogitBlocks::size + find(point, within));
}

std::optional<Token> Sampler::draw_from_filtered(std::span<const float> logits,
                                                 SamplingWorkspace& workspace) {
    const std::vector<Candidate>& candidates = workspace.candidates;
    std::vector<float>& weights = workspace.weights;
    const float largest = filter(logits, workspace.candidates);
    if (candidates.empty()) return std::nullopt;
    const Weighing weighing = weighing_from(largest);
    weights.clear();
    for (const Candidate& each : candidates) weights.push_back(weighing.weight(each.logit));
    double point = point_in(weights);
    return candidates[find(point, weights)].token;
}

float Sampler::filter(std::span<const float> logits, std::vector<Candidate>& candidates) const {
    candidates.clear();
    const bool top_p_on = settings_.top_p < 1;
    const auto min_p_floor = [&](float largest) {
        return settings_.min_p > 0 ? finite(largest) + std::log(settings_.min_p) : -infinity;
    };

    float largest = 0;
    double total = 0;
    if (settings_.top_k > 0) {
        keep_first(std::min<std::size_t>(settings_.top_k, logits.size()), logits, candidates);
        if (candidates.empty()) return largest;
        largest = finite(candidates.front().logit);
        for (const Candidate& each : candidates) total += Weighing{largest}.weight(each.logit);
        std::erase_if(candidates, [floor = min_p_floor(largest)](const Candidate& each) {
            return each.logit < floor;
        });
    } else if (top_p_on) {
        const Softmax all = softmax(logits);
        if (all.likeliest == logits.size()) return largest;
        largest = all.largest;
        total = all.total;
        // All tokens less likely than (1 - top_p) / n_vocab are together less likely than
        // 1 - top_p, so the others contain what top-p keeps. A little less, for rounding.
        const double share = (1 - settings_.top_p) / static_cast<double>(logits.size());
        const double top_p_floor = largest + std::log(total * share) - 0.01;
        keep_from(std::max(top_p_floor, min_p_floor(largest)), logits, candidates);
    } else {
        const std::size_t likeliest = likeliest_of(logits);
        if (likeliest == logits.size()) return largest;
        largest = finite(logits[likeliest]);
        keep_from(min_p_floor(largest), logits, candidates);
    }
    // Both cut off the end of the ordered candidates: it is the same whichever comes first.
    if (top_p_on) keep_heaviest(settings_.top_p * total, Weighing{largest}, candidates);
    return largest;
}

Weighing Sampler::weighing_from(float largest) const {
    return {.largest = finite(largest), .temperature = static_cast<float>(settings_.temperature)};
}

double Sampler::point_in(std::span<const float> weights) {
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    return to_unit_interval(generator_()) * total;
}

}  // namespace llm

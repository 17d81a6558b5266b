#include "llm/sampling/softmax.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

namespace llm {

namespace {

using Block = LogitBlocks::Block;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float float_max = std::numeric_limits<float>::max();

// Below it e to the power of x is no normal number any more, and counts as 0.
constexpr float exponent_min = -87.0F;

// e to the power of x, within 2 units in the last place; without a branch or a call, so that a
// loop over it becomes vector instructions, and the same with every standard library. Requires:
// exponent_min <= x <= 0. Source: Cephes, expf.c.
float exponential(float x) {
    constexpr float log2_e = 1.44269504088896341F;
    constexpr float ln2_high = 0.693359375F;
    constexpr float ln2_low = -2.12194440e-4F;
    constexpr float to_integer = 0x1.8p23F;  // Adding it leaves no bit for a fraction.
    const float power = (x * log2_e + to_integer) - to_integer;
    const float r = x - power * ln2_high - power * ln2_low;
    float y = 1.9875691500e-4F;
    y = y * r + 1.3981999507e-3F;
    y = y * r + 8.3334519073e-3F;
    y = y * r + 4.1665795894e-2F;
    y = y * r + 1.6666665459e-1F;
    y = y * r + 5.0000001201e-1F;
    y = y * r * r + r + 1.0F;
    const auto exponent = static_cast<std::int32_t>(power) + 127;
    return y * std::bit_cast<float>(exponent << 23);
}

// The index of the first value that equals `wanted`.
std::size_t find_in(Block block, float wanted) {
    return static_cast<std::size_t>(std::find(block.begin(), block.end(), wanted) - block.begin());
}

}  // namespace

LogitBlocks::LogitBlocks(std::span<const float> logits)
    : logits_(logits), whole_(logits.size() / size), padded_(logits.size() % size != 0) {
    const auto rest = logits.subspan(whole_ * size);
    std::fill(std::copy(rest.begin(), rest.end(), rest_.begin()), rest_.end(), -infinity);
}

float largest_of(Block block) {
    constexpr std::size_t half = LogitBlocks::size / 2;
    std::array<float, half> largest;
    // Where a NaN is on the left, the right is taken.
    for (std::size_t i = 0; i < half; ++i) largest[i] = block[i] > -infinity ? block[i] : -infinity;
    for (std::size_t i = 0; i < half; ++i) {
        largest[i] = block[half + i] > largest[i] ? block[half + i] : largest[i];
    }
    for (std::size_t i = 0; i < half / 2; ++i) {
        largest[i] = largest[half / 2 + i] > largest[i] ? largest[half / 2 + i] : largest[i];
    }
    return *std::max_element(largest.begin(), largest.begin() + half / 2);
}

float Weighing::weight(float logit) const {
    const float x = ((logit < largest ? logit : largest) - largest) / temperature;
    // Both sides are computed and one is taken: a branch would keep a loop from vectors.
    const float weight = exponential(x > exponent_min ? x : exponent_min);
    return (logit > -infinity) & (x > exponent_min) ? weight : 0.0F;
}

float Weighing::weights(Block block, std::span<float, LogitBlocks::size> out) const {
    for (std::size_t i = 0; i < block.size(); ++i) out[i] = weight(block[i]);
    constexpr std::size_t lanes = 4;
    std::array<float, lanes> sums{};
    for (std::size_t i = 0; i < out.size(); i += lanes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += out[i + lane];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

float Weighing::total(Block block) const {
    std::array<float, LogitBlocks::size> each;
    return weights(block, each);
}

Softmax softmax(std::span<const float> logits) {
    const LogitBlocks blocks(logits);
    Softmax result{.likeliest = logits.size(), .largest = -float_max, .total = 0};
    float best = -infinity;
    for (std::size_t i = 0; i < blocks.count(); ++i) {
        const float here = largest_of(blocks[i]);
        if (here > best) {
            // What was counted so far was relative to a smaller one.
            const float largest = std::min(here, float_max);
            result.total *= Weighing{largest}.weight(result.largest);
            result.largest = largest;
            result.likeliest = i * LogitBlocks::size + find_in(blocks[i], here);
            best = here;
        }
        result.total += Weighing{result.largest}.total(blocks[i]);
    }
    return result;
}

std::size_t likeliest_of(std::span<const float> logits) {
    const LogitBlocks blocks(logits);
    float best = -infinity;
    std::size_t found = blocks.count();
    for (std::size_t i = 0; i < blocks.count(); ++i) {
        const float here = largest_of(blocks[i]);
        if (here > best) {
            best = here;
            found = i;
        }
    }
    if (found == blocks.count()) return logits.size();
    return found * LogitBlocks::size + find_in(blocks[found], best);
}

}  // namespace llm

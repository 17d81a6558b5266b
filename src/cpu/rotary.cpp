#include "cpu/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cpu {
namespace {

// The pair that turns `turns` times within the original context.
double pair_of_turns(const RotaryShape& shape, double turns) {
    return shape.dimensions * std::log(shape.original_context / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(shape.base));
}

// How much of a pair's speed is left as it was trained, 0..1: all of those that turn fast.
double kept_share(const RotaryShape& shape, std::uint32_t pair) {
    const double first = std::max(0.0, std::floor(pair_of_turns(shape, shape.beta_fast)));
    const double last =
        std::min(shape.dimensions - 1.0, std::ceil(pair_of_turns(shape, shape.beta_slow)));
    return 1 - std::clamp((pair - first) / std::max(0.001, last - first), 0.0, 1.0);
}

}  // namespace

Rotary::Rotary(const RotaryShape& shape, std::span<const float> factors)
    : magnitude_(shape.magnitude) {
    const bool yarn = shape.scaling == RotaryScaling::yarn;
    if (yarn) magnitude_ *= 1 + 0.1 * std::log(std::max(1.0, shape.factor));
    for (std::uint32_t pair = 0; pair < shape.dimensions / 2; ++pair) {
        const double divisor = factors.empty() ? 1 : factors[pair];
        const double trained = std::pow(shape.base, -2.0 * pair / shape.dimensions) / divisor;
        const double kept = yarn ? kept_share(shape, pair) : 0;
        speeds_.push_back(trained * kept + trained / shape.factor * (1 - kept));
    }
}

void Rotary::angles(std::uint32_t position, std::span<float> cosines,
                    std::span<float> sines) const {
    for (std::size_t pair = 0; pair < speeds_.size(); ++pair) {
        const double angle = position * speeds_[pair];
        cosines[pair] = static_cast<float>(std::cos(angle) * magnitude_);
        sines[pair] = static_cast<float>(std::sin(angle) * magnitude_);
    }
}

}  // namespace cpu

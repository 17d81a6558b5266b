#pragma once

#include "cpu/model_shape.h"

#include <cstdint>
#include <span>
#include <vector>

namespace cpu {

// By which angles the pairs of a head are turned at a position.
// Source: RoFormer (Su et al., 2021); YaRN (Peng et al., 2023); LongRoPE (Ding et al., 2024); how
// they are put together: ggml_rope_cache_init in ggml and llama_context in llama.cpp.
class Rotary {
public:
    // `factors`: divisors of the speeds, [dimensions / 2]; empty: 1.
    Rotary(const RotaryShape& shape, std::span<const float> factors);

    std::uint32_t pairs() const { return static_cast<std::uint32_t>(speeds_.size()); }

    // Fills [pairs] of each.
    void angles(std::uint32_t position, std::span<float> cosines, std::span<float> sines) const;

private:
    std::vector<double> speeds_;  // radians a token
    double magnitude_;
};

}  // namespace cpu

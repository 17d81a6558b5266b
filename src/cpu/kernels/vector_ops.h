#pragma once

#include "cpu/kernels/isa.h"

#include <cstdint>

namespace cpu {

// What is done to single rows between products. A row's result depends on nothing but the row.
struct VectorKernels {
    // out = x / sqrt(mean(x²) + epsilon) * weight. `out` may be `x`.
    void (*rms_norm)(const float* x, const float* weight, std::uint32_t count, float epsilon,
                     float* out);
    // out = (x - mean) / sqrt(variance + epsilon) * weight + bias. `out` may be `x`.
    void (*layer_norm)(const float* x, const float* weight, const float* bias, std::uint32_t count,
                       float epsilon, float* out);
    // gate = silu(gate) * up
    void (*silu_multiply)(float* gate, const float* up, std::uint32_t count);
    // x = gelu(x), by tanh. Source: ggml_gelu.
    void (*gelu)(float* x, std::uint32_t count);
    void (*add)(float* x, const float* y, std::uint32_t count);  // x += y
    // Turns pairs (2i, 2i + 1) of a head by angles: cosines[i], sines[i], i < pairs.
    void (*rotate_pairs)(float* head, const float* cosines, const float* sines,
                         std::uint32_t pairs);
    // Turns pairs (i, i + pairs). Source: GGML_ROPE_TYPE_NEOX in ggml.h.
    void (*rotate_halves)(float* head, const float* cosines, const float* sines,
                          std::uint32_t pairs);
};

// Requires: the CPU can run `isa`.
const VectorKernels& vector_kernels(Isa isa);

}  // namespace cpu

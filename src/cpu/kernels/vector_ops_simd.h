// The vector operations for the instruction set that the including file is built for.
#pragma once

#include "cpu/kernels/simd.h"
#include "cpu/kernels/vector_ops.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace cpu {
namespace {

// x[i] = operation(x[i], y[i]), into `out`.
template <typename Operation>
inline void combine(const float* x, const float* y, std::uint32_t count, float* out,
                    Operation operation) {
    std::uint32_t i = 0;
    for (; i + width <= count; i += width) store(out + i, operation(load(x + i), load(y + i)));
    if (i == count) return;
    const std::uint32_t rest = count - i;
    store_some(out + i, operation(load_some(x + i, rest), load_some(y + i, rest)), rest);
}

// sum = add(x, sum) over all x, in four vectors of sums. Requires: add(0, sum) is sum.
template <typename Add>
inline float sum_over(const float* x, std::uint32_t count, Add add) {
    Floats sums[4] = {};
    std::uint32_t i = 0;
    for (; i + 4 * width <= count; i += 4 * width)
        for (std::uint32_t j = 0; j < 4; ++j) sums[j] = add(load(x + (i + j * width)), sums[j]);
    for (; i + width <= count; i += width) sums[0] = add(load(x + i), sums[0]);
    if (i < count) sums[1] = add(load_some(x + i, count - i), sums[1]);
    return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

inline float mean_square(const float* x, std::uint32_t count) {
    const float total =
        sum_over(x, count, [](Floats one, Floats sums) { return multiply_add(one, one, sums); });
    return total / static_cast<float>(count);
}

void rms_norm(const float* x, const float* weight, std::uint32_t count, float epsilon, float* out) {
    const Floats scale = broadcast(1.0F / std::sqrt(mean_square(x, count) + epsilon));
    combine(x, weight, count, out, [&](Floats one, Floats factor) { return one * scale * factor; });
}

void layer_norm(const float* x, const float* weight, const float* bias, std::uint32_t count,
                float epsilon, float* out) {
    const float total = sum_over(x, count, [](Floats one, Floats sums) { return one + sums; });
    const Floats mean = broadcast(total / static_cast<float>(count));
    combine(x, x, count, out, [&](Floats one, Floats) { return one - mean; });
    const Floats scale = broadcast(1.0F / std::sqrt(mean_square(out, count) + epsilon));
    combine(out, weight, count, out, [&](Floats one, Floats w) { return one * scale * w; });
    combine(out, bias, count, out, [](Floats one, Floats b) { return one + b; });
}

// x / (1 + e^-u): x times the logistic function of u.
inline Floats gated(Floats x, Floats u) {
    return x / (broadcast(1.0F) + exponential(-u));
}

void silu_multiply(float* gate, const float* up, std::uint32_t count) {
    combine(gate, up, count, gate, [](Floats x, Floats factor) { return gated(x, x) * factor; });
}

// (1 + tanh(u)) / 2 is the logistic function of 2u; here u = sqrt(2 / pi) (x + 0.044715 x³).
void gelu(float* x, std::uint32_t count) {
    combine(x, x, count, x, [](Floats one, Floats) {
        const Floats factor = multiply_add(one * one, broadcast(0.044715F), broadcast(1.0F));
        return gated(one, broadcast(2.0F * 0.79788456080286535588F) * one * factor);
    });
}

void add(float* x, const float* y, std::uint32_t count) {
    combine(x, y, count, x, [](Floats one, Floats other) { return one + other; });
}

inline void rotate(float& x, float& y, float cosine, float sine) {
    const float turned = x * cosine - y * sine;
    y = x * sine + y * cosine;
    x = turned;
}

void rotate_pairs(float* head, const float* cosines, const float* sines, std::uint32_t pairs) {
    Bits signs{};
    for (std::uint32_t i = 0; i < width; i += 2) signs[i] = 0x80000000U;
    std::uint32_t i = 0;
    for (; i + width / 2 <= pairs; i += width / 2) {
        float* const begin = head + std::size_t{2} * i;
        const Floats both = load(begin);
        const Floats sine = (Floats)((Bits)load_twice(sines + i) ^ signs);
        store(begin, both * load_twice(cosines + i) + swap_neighbours(both) * sine);
    }
    for (; i < pairs; ++i) rotate(head[2 * i], head[2 * i + 1], cosines[i], sines[i]);
}

void rotate_halves(float* head, const float* cosines, const float* sines, std::uint32_t pairs) {
    std::uint32_t i = 0;
    for (; i + width <= pairs; i += width) {
        const Floats x = load(head + i);
        const Floats y = load(head + pairs + i);
        const Floats cosine = load(cosines + i);
        const Floats sine = load(sines + i);
        store(head + i, x * cosine - y * sine);
        store(head + pairs + i, x * sine + y * cosine);
    }
    for (; i < pairs; ++i) rotate(head[i], head[pairs + i], cosines[i], sines[i]);
}

constexpr VectorKernels kernels{.rms_norm = rms_norm,
                                .layer_norm = layer_norm,
                                .silu_multiply = silu_multiply,
                                .gelu = gelu,
                                .add = add,
                                .rotate_pairs = rotate_pairs,
                                .rotate_halves = rotate_halves};

}  // namespace
}  // namespace cpu

// Vectors of floats of the instruction set that a file is built for. Everything is in unnamed
// namespaces: each file of kernels has copies of its own, built with its own flags.
#pragma once

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include "cpu/kernels/simd_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "cpu/kernels/simd_avx2.h"
#else
#include "cpu/kernels/simd_portable.h"
#endif

#include <cstdint>
#include <cstring>

namespace cpu {
namespace {

// The first `count` of a vector, the others zero. Requires: count <= width.
inline Floats load_some(const float* from, std::uint32_t count) {
    float values[width] = {};
    std::memcpy(values, from, count * sizeof(float));
    return load(values);
}

inline void store_some(float* to, Floats vector, std::uint32_t count) {
    float values[width];
    store(values, vector);
    std::memcpy(to, values, count * sizeof(float));
}

// e^x for x <= 88, with a relative error below 2e-7. Below -64 it is 0: beside 1 nothing would be
// left of it, and products with f16 numbers never get so small that they lose digits or speed.
// With x = n ln 2 + r, |r| <= ln 2 / 2: 2^n (1 + r + r² p(r)), p a Chebyshev fit of degree 4 to
// (e^r - 1 - r) / r², made with mpmath.chebyfit; the relative error of the fit is 1.1e-8.
inline Floats exponential(Floats x) {
    const Floats limited = minimum(broadcast(88.0F), x);
    // Adding 1.5 * 2^23 rounds to whole numbers and leaves them in the lowest bits.
    const Floats shift = broadcast(0x1.8p23F);
    const Floats shifted = multiply_add(limited, broadcast(1.4426950216F), shift);
    const Floats n = shifted - shift;
    // ln 2 in two parts, of which the first has so few digits that its product is exact.
    const Floats first = multiply_add(n, broadcast(-0x1.62e0p-1F), limited);
    const Floats r = multiply_add(n, broadcast(-3.1946183299e-05F), first);
    Floats p = broadcast(0.0013926191022619605F);
    p = multiply_add(p, r, broadcast(0.008363185450434685F));
    p = multiply_add(p, r, broadcast(0.041666556149721146F));
    p = multiply_add(p, r, broadcast(0.16666576266288757F));
    p = multiply_add(p, r, broadcast(0.5F));
    const Floats power = multiply_add(p, r * r, r) + broadcast(1.0F);
    const Bits exponent = ((Bits)shifted << 23) + 0x3F800000U;
    return zero_below(x, -64.0F, power * (Floats)exponent);
}

}  // namespace
}  // namespace cpu

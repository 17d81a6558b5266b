// Four floats as GCC and Clang compute with them on any CPU.
#pragma once

#include <cstdint>
#include <cstring>

namespace cpu {
namespace {

constexpr std::uint32_t width = 4;
// Queries whose sums fit the registers, two vectors each, beside keys or values.
constexpr std::uint32_t queries_at_once = 6;

using Floats = float __attribute__((vector_size(16)));
using Bits = std::uint32_t __attribute__((vector_size(16)));
using Halves = std::uint16_t __attribute__((vector_size(8)));

inline Floats load(const float* from) {
    Floats vector;
    std::memcpy(&vector, from, sizeof(vector));
    return vector;
}
inline void store(float* to, Floats vector) {
    std::memcpy(to, &vector, sizeof(vector));
}
inline Floats broadcast(float value) {
    return Floats{value, value, value, value};
}
inline Floats multiply_add(Floats a, Floats b, Floats c) {
    return a * b + c;
}
// The second where one is not a number.
inline Floats minimum(Floats a, Floats b) {
    return a < b ? a : b;
}
inline Floats maximum(Floats a, Floats b) {
    return a > b ? a : b;
}
// `vector` where x is not below the limit, else 0.
inline Floats zero_below(Floats x, float limit, Floats vector) {
    return (Floats)((Bits)vector & ~(Bits)(x < broadcast(limit)));
}
inline float sum(Floats vector) {
    return (vector[0] + vector[2]) + (vector[1] + vector[3]);
}
inline float greatest(Floats vector) {
    const float even = vector[0] > vector[2] ? vector[0] : vector[2];
    const float odd = vector[1] > vector[3] ? vector[1] : vector[3];
    return even > odd ? even : odd;
}
// [a, b, c, ..] as [a, a, b, b, c, c, ..]; reads half a vector.
inline Floats load_twice(const float* from) {
    return Floats{from[0], from[0], from[1], from[1]};
}
// [a, b, c, d, ..] as [b, a, d, c, ..].
inline Floats swap_neighbours(Floats vector) {
    return __builtin_shufflevector(vector, vector, 1, 0, 3, 2);
}

// The digits and the exponent move to their places in a float, whose exponents begin 112 lower.
inline Floats load_halves(const std::uint16_t* from) {
    Halves halves;
    std::memcpy(&halves, from, sizeof(halves));
    const Bits bits = __builtin_convertvector(halves, Bits);
    const Floats magnitude = (Floats)((bits & 0x7FFFU) << 13) * 0x1p112F;
    return (Floats)((Bits)magnitude | (bits & 0x8000U) << 16);
}

// Requires: within f16's range. Adding a power of two whose last digit is worth as much as the
// half's rounds to nearest even as the adder does.
// Source: fp16_ieee_from_fp32_value in Maratyszcza/FP16.
inline void store_halves(std::uint16_t* to, Floats vector) {
    const Bits bits = (Bits)vector;
    const Floats magnitude = (Floats)(bits & 0x7FFFFFFFU) * 0x1p112F * 0x1p-110F;
    const Bits exponent = (bits << 1) & 0xFF000000U;
    const Bits least = Bits{} + 0x71000000U;
    const Bits power = ((exponent < least ? least : exponent) >> 1) + 0x07800000U;
    const Bits rounded = (Bits)((Floats)power + magnitude);
    const Bits whole = ((rounded >> 13) & 0x7C00U) + (rounded & 0x0FFFU);
    const Halves halves = __builtin_convertvector(whole | ((bits >> 16) & 0x8000U), Halves);
    std::memcpy(to, &halves, sizeof(halves));
}

}  // namespace
}  // namespace cpu

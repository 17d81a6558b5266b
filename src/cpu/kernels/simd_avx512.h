#pragma once

#include <immintrin.h>

#include <cstdint>

namespace cpu {
namespace {

constexpr std::uint32_t width = 16;
// Queries whose sums fit the registers, two vectors each, beside keys or values.
constexpr std::uint32_t queries_at_once = 8;

using Floats = __m512;
using Bits = std::uint32_t __attribute__((vector_size(64)));

inline Floats load(const float* from) {
    return _mm512_loadu_ps(from);
}
inline void store(float* to, Floats vector) {
    _mm512_storeu_ps(to, vector);
}
inline Floats broadcast(float value) {
    return _mm512_set1_ps(value);
}
inline Floats multiply_add(Floats a, Floats b, Floats c) {
    return _mm512_fmadd_ps(a, b, c);
}
// The second where one is not a number.
inline Floats minimum(Floats a, Floats b) {
    return _mm512_min_ps(a, b);
}
inline Floats maximum(Floats a, Floats b) {
    return _mm512_max_ps(a, b);
}
// `vector` where x is not below the limit, else 0.
inline Floats zero_below(Floats x, float limit, Floats vector) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, broadcast(limit), _CMP_NLT_UQ), vector);
}
// The intrinsics for these, and for sums, make gcc 12 warn of what is in their own header.
inline __m256 lower(Floats vector) {
    return __builtin_shufflevector(vector, vector, 0, 1, 2, 3, 4, 5, 6, 7);
}
inline __m256 upper(Floats vector) {
    return __builtin_shufflevector(vector, vector, 8, 9, 10, 11, 12, 13, 14, 15);
}
inline float sum(Floats vector) {
    const __m256 eight = lower(vector) + upper(vector);
    const __m128 four = _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
    const __m128 two = four + _mm_movehl_ps(four, four);
    return two[0] + two[1];
}
inline float greatest(Floats vector) {
    const __m256 eight = _mm256_max_ps(lower(vector), upper(vector));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return two[0] > two[1] ? two[0] : two[1];
}
// [a, b, c, ..] as [a, a, b, b, c, c, ..]; reads half a vector.
inline Floats load_twice(const float* from) {
    const __m256 half = _mm256_loadu_ps(from);
    return __builtin_shufflevector(half, half, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
}
// [a, b, c, d, ..] as [b, a, d, c, ..].
inline Floats swap_neighbours(Floats vector) {
    return _mm512_permute_ps(vector, 0xB1);
}
inline Floats load_halves(const std::uint16_t* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from));
}
// Requires: within f16's range.
inline void store_halves(std::uint16_t* to, Floats vector) {
    _mm256_storeu_si256((__m256i*)to, _mm512_cvtps_ph(vector, _MM_FROUND_TO_NEAREST_INT));
}

}  // namespace
}  // namespace cpu

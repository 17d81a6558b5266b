#pragma once

#include <immintrin.h>

#include <cstdint>

namespace cpu {
namespace {

constexpr std::uint32_t width = 8;
// Queries whose sums fit the registers, two vectors each, beside keys or values.
constexpr std::uint32_t queries_at_once = 6;

using Floats = __m256;
using Bits = std::uint32_t __attribute__((vector_size(32)));

inline Floats load(const float* from) {
    return _mm256_loadu_ps(from);
}
inline void store(float* to, Floats vector) {
    _mm256_storeu_ps(to, vector);
}
inline Floats broadcast(float value) {
    return _mm256_set1_ps(value);
}
inline Floats multiply_add(Floats a, Floats b, Floats c) {
    return _mm256_fmadd_ps(a, b, c);
}
// The second where one is not a number.
inline Floats minimum(Floats a, Floats b) {
    return _mm256_min_ps(a, b);
}
inline Floats maximum(Floats a, Floats b) {
    return _mm256_max_ps(a, b);
}
// `vector` where x is not below the limit, else 0.
inline Floats zero_below(Floats x, float limit, Floats vector) {
    return _mm256_and_ps(_mm256_cmp_ps(x, broadcast(limit), _CMP_NLT_UQ), vector);
}
inline float sum(Floats vector) {
    const __m128 four = _mm256_castps256_ps128(vector) + _mm256_extractf128_ps(vector, 1);
    const __m128 two = four + _mm_movehl_ps(four, four);
    return two[0] + two[1];
}
inline float greatest(Floats vector) {
    const __m128 four =
        _mm_max_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps(vector, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return two[0] > two[1] ? two[0] : two[1];
}
// [a, b, c, ..] as [a, a, b, b, c, c, ..]; reads half a vector.
inline Floats load_twice(const float* from) {
    const __m128 half = _mm_loadu_ps(from);
    return __builtin_shufflevector(half, half, 0, 0, 1, 1, 2, 2, 3, 3);
}
// [a, b, c, d, ..] as [b, a, d, c, ..].
inline Floats swap_neighbours(Floats vector) {
    return _mm256_permute_ps(vector, 0xB1);
}
inline Floats load_halves(const std::uint16_t* from) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from));
}
// Requires: within f16's range.
inline void store_halves(std::uint16_t* to, Floats vector) {
    _mm_storeu_si128((__m128i*)to, _mm256_cvtps_ph(vector, _MM_FROUND_TO_NEAREST_INT));
}

}  // namespace
}  // namespace cpu

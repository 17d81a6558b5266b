// Compiled with AVX-512: nothing here but intrinsics and plain loops may be instantiated.
#include "cpu/kernels/tile_kernel.h"

#include <immintrin.h>

namespace cpu {
namespace {

constexpr std::size_t weight_bytes(TileFormat format) {
    return format == TileFormat::f32 ? 4 : 2;
}

template <TileFormat Format>
__m512 weights_of(const std::byte* bytes) {
    if constexpr (Format == TileFormat::f32) return _mm512_loadu_ps(bytes);
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
    if constexpr (Format == TileFormat::f16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

// With few rows the CPU's own reading ahead keeps up; with more, it is too late by itself.
constexpr int prefetch_rows_min = 3;
constexpr std::size_t prefetch_bytes = 2048;

// Each sum is one chain of additions in the order of the depth, so several run side by side.
template <TileFormat Format, int RowCount, int TileCount>
void multiply_tiles(const TileSpan& span, const FloatGroup& rows) {
    __m512 totals[RowCount][TileCount];
    for (int r = 0; r < RowCount; ++r)
        for (int t = 0; t < TileCount; ++t) totals[r][t] = _mm512_setzero_ps();
    for (std::uint32_t d = 0; d < span.blocks * block_depth; ++d) {
        const float* const x =
            rows.values + (d / block_depth * group_rows) * block_depth + d % block_depth;
        const std::byte* const weights = span.weights + d * tile_columns * weight_bytes(Format);
        __m512 w[TileCount];
#pragma GCC unroll 4
        for (int t = 0; t < TileCount; ++t) {
            w[t] = weights_of<Format>(weights + t * span.tile_bytes);
            if (RowCount >= prefetch_rows_min && (weight_bytes(Format) == 4 || d % 2 == 0))
                _mm_prefetch(weights + t * span.tile_bytes + prefetch_bytes, _MM_HINT_T0);
        }
#pragma GCC unroll 8
        for (int r = 0; r < RowCount; ++r) {
            const __m512 activation = _mm512_set1_ps(x[r * block_depth]);
#pragma GCC unroll 4
            for (int t = 0; t < TileCount; ++t)
                totals[r][t] = _mm512_fmadd_ps(w[t], activation, totals[r][t]);
        }
    }
    for (int r = 0; r < RowCount; ++r)
        for (int t = 0; t < TileCount; ++t)
            _mm512_storeu_ps(span.out + r * span.out_stride + t * tile_columns, totals[r][t]);
}

// As many tiles at once as keep enough sums in flight.
template <TileFormat Format, int RowCount, int TileCount>
constexpr RowKernels<FloatGroup> kernels{TileCount, multiply_tiles<Format, RowCount, TileCount>,
                                         multiply_tiles<Format, RowCount, 1>};
template <TileFormat Format>
constexpr RowKernels<FloatGroup> by_rows[] = {
    {},
    kernels<Format, 1, 4>,
    kernels<Format, 2, 4>,
    kernels<Format, 3, 2>,
    kernels<Format, 4, 2>,
    kernels<Format, 5, 1>,
    kernels<Format, 6, 1>,
    kernels<Format, 7, 1>,
    kernels<Format, 8, 1>,
};

}  // namespace

KernelTable<FloatGroup> float_kernels_avx512(TileFormat format) {
    constexpr std::uint32_t rows_max = group_rows;
    if (format == TileFormat::f32) return {rows_max, by_rows<TileFormat::f32>};
    if (format == TileFormat::f16) return {rows_max, by_rows<TileFormat::f16>};
    return {rows_max, by_rows<TileFormat::bf16>};
}

}  // namespace cpu

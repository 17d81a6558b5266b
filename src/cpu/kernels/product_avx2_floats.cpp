// Compiled with AVX2: nothing here but intrinsics and plain loops may be instantiated.
#include "cpu/kernels/tile_kernel.h"

#include <immintrin.h>

namespace cpu {
namespace {

constexpr std::size_t weight_bytes(TileFormat format) {
    return format == TileFormat::f32 ? 4 : 2;
}

// Of 8 columns.
template <TileFormat Format>
__m256 weights_of(const std::byte* bytes) {
    if constexpr (Format == TileFormat::f32)
        return _mm256_loadu_ps(reinterpret_cast<const float*>(bytes));
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    if constexpr (Format == TileFormat::f16) return _mm256_cvtph_ps(halves);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

// Each sum is one chain of additions in the order of the depth, so several run side by side.
template <TileFormat Format, int RowCount, int TileCount>
void multiply_tiles(const TileSpan& span, const FloatGroup& rows) {
    constexpr int parts = 2 * TileCount;  // of 8 columns
    __m256 totals[RowCount][parts];
    for (int r = 0; r < RowCount; ++r)
        for (int p = 0; p < parts; ++p) totals[r][p] = _mm256_setzero_ps();
    for (std::uint32_t d = 0; d < span.blocks * block_depth; ++d) {
        const float* const x =
            rows.values + (d / block_depth * group_rows) * block_depth + d % block_depth;
        const std::byte* const weights = span.weights + d * tile_columns * weight_bytes(Format);
        __m256 w[parts];
#pragma GCC unroll 8
        for (int p = 0; p < parts; ++p)
            w[p] = weights_of<Format>(weights + p / 2 * span.tile_bytes +
                                      p % 2 * 8 * weight_bytes(Format));
#pragma GCC unroll 4
        for (int r = 0; r < RowCount; ++r) {
            const __m256 activation = _mm256_set1_ps(x[r * block_depth]);
#pragma GCC unroll 8
            for (int p = 0; p < parts; ++p)
                totals[r][p] = _mm256_fmadd_ps(w[p], activation, totals[r][p]);
        }
    }
    for (int r = 0; r < RowCount; ++r)
        for (int p = 0; p < parts; ++p)
            _mm256_storeu_ps(span.out + r * span.out_stride + p * 8, totals[r][p]);
}

// As many tiles at once as keep enough sums in flight.
template <TileFormat Format, int RowCount, int TileCount>
constexpr RowKernels<FloatGroup> kernels{TileCount, multiply_tiles<Format, RowCount, TileCount>,
                                         multiply_tiles<Format, RowCount, 1>};
constexpr std::uint32_t rows_max = 4;
template <TileFormat Format>
constexpr RowKernels<FloatGroup> by_rows[rows_max + 1] = {
    {}, kernels<Format, 1, 4>, kernels<Format, 2, 2>, kernels<Format, 3, 1>, kernels<Format, 4, 1>,
};

}  // namespace

KernelTable<FloatGroup> float_kernels_avx2(TileFormat format) {
    if (format == TileFormat::f32) return {rows_max, by_rows<TileFormat::f32>};
    if (format == TileFormat::f16) return {rows_max, by_rows<TileFormat::f16>};
    return {rows_max, by_rows<TileFormat::bf16>};
}

}  // namespace cpu

// Compiled with AVX-512: nothing here but intrinsics and plain loops may be instantiated.
#include "cpu/kernels/quantize.h"
#include "cpu/kernels/tile_kernel.h"

#include <immintrin.h>

namespace cpu {
namespace {

__m512i load(const std::byte* bytes) {
    return _mm512_loadu_si512(bytes);
}

__m512 load_halves(const std::byte* bytes) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)));
}

__m512i load_bytes(const std::byte* bytes) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}

__m512i load_signed_bytes(const std::byte* bytes) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}

// To the left, of negative `bits` to the right.
__m512i shifted(__m512i words, int bits) {
    return bits >= 0 ? _mm512_slli_epi16(words, static_cast<unsigned>(bits))
                     : _mm512_srli_epi16(words, static_cast<unsigned>(-bits));
}

// a | (b & mask)
__m512i with_bits(__m512i a, __m512i b, __m512i mask) {
    return _mm512_ternarylogic_epi32(a, b, mask, 0xf8);
}

// Codes of the depths 4k to 4k + 3 and of those 16 further on, [16 columns][4 depths].
struct CodePair {
    __m512i first;
    __m512i second;
};

template <TileFormat Format>
CodePair codes_of(const std::byte* block, int k) {
    if constexpr (Format == TileFormat::q8_0) {
        return {load(block + 64 * k), load(block + 64 * (k + 4))};
    }
    const __m512i low_bits = _mm512_set1_epi8(15);
    const __m512i packed = load(block + 64 * k);
    const CodePair low{_mm512_and_si512(packed, low_bits),
                       _mm512_and_si512(_mm512_srli_epi16(packed, 4), low_bits)};
    if constexpr (Format == TileFormat::iq4_nl) {
        const __m512i table =
            _mm512_xor_si512(_mm512_broadcast_i32x4(
                                 _mm_loadu_si128(reinterpret_cast<const __m128i*>(iq4_nl_weights))),
                             _mm512_set1_epi8(-128));
        return {_mm512_shuffle_epi8(table, low.first), _mm512_shuffle_epi8(table, low.second)};
    }
    if constexpr (tile_layout(Format).bits == 5) {
        const __m512i plane = load(block + 256);
        const __m512i mask = _mm512_set1_epi8(16);
        return {with_bits(low.first, shifted(plane, 4 - k), mask),
                with_bits(low.second, shifted(plane, -k), mask)};
    }
    if constexpr (tile_layout(Format).bits == 6) {
        const __m512i mask = _mm512_set1_epi8(48);
        return {with_bits(low.first, shifted(load(block + 256), 4 - 2 * k), mask),
                with_bits(low.second, shifted(load(block + 320), 4 - 2 * k), mask)};
    }
    return low;
}

struct BlockScales {
    __m512 first;
    __m512 second;  // of the last 16 depths, where they have their own
    __m512 offset;
};

template <TileFormat Format>
BlockScales scales_of(const std::byte* scales, std::uint32_t index) {
    const __m512 scale = load_halves(scales);
    if constexpr (Format == TileFormat::q6_k) {
        const std::byte* const factors = scales + 32 + 32 * index;
        return {_mm512_mul_ps(scale, _mm512_cvtepi32_ps(load_signed_bytes(factors))),
                _mm512_mul_ps(scale, _mm512_cvtepi32_ps(load_signed_bytes(factors + 16))),
                _mm512_setzero_ps()};
    }
    if constexpr (!has_offsets(Format)) return {scale, scale, _mm512_setzero_ps()};
    const __m512 offset = load_halves(scales + 32);
    if constexpr (tile_layout(Format).group_blocks == 1) return {scale, scale, offset};
    const std::byte* const factors = scales + 64 + 16 * index;
    const __m512i offset_factors =
        _mm512_sub_epi32(_mm512_setzero_si512(), load_bytes(factors + 8 * 16));
    const __m512 whole = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(load_bytes(factors)));
    return {whole, whole, _mm512_mul_ps(offset, _mm512_cvtepi32_ps(offset_factors))};
}

__m512i broadcast(const std::int8_t* four) {
    return _mm512_set1_epi32(*reinterpret_cast<const int __attribute__((may_alias))*>(four));
}

// Integer products of a tile's block with a block of each row. `second`: of the last 16 depths
// where these have their own scale.
template <TileFormat Format, int RowCount>
[[gnu::always_inline]] inline void dot(const std::byte* codes, const std::int8_t* values,
                                       __m512i (&first)[RowCount], __m512i (&second)[RowCount]) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
        const CodePair pair = codes_of<Format>(codes, k);
#pragma GCC unroll 8
        for (int r = 0; r < RowCount; ++r)
            first[r] =
                _mm512_dpbusd_epi32(first[r], pair.first, broadcast(values + 32 * r + 4 * k));
#pragma GCC unroll 8
        for (int r = 0; r < RowCount; ++r) {
            __m512i& sum = has_two_scales(Format) ? second[r] : first[r];
            sum = _mm512_dpbusd_epi32(sum, pair.second, broadcast(values + 32 * r + 16 + 4 * k));
        }
    }
}

// With few rows the CPU's own reading ahead keeps up, but for q6_k; with more, it is too late by
// itself.
template <TileFormat Format>
constexpr int prefetch_rows_min = Format == TileFormat::q6_k ? 1 : 3;
constexpr std::size_t prefetch_bytes = 2048;

// A block's share of what lies ahead, scales included.
template <TileFormat Format>
void prefetch(const std::byte* group, std::uint32_t index) {
    constexpr TileLayout layout = tile_layout(Format);
    constexpr std::uint32_t share = layout.group_bytes / layout.group_blocks;
    for (std::uint32_t line = 0; line < share; line += 64)
        _mm_prefetch(group + prefetch_bytes + index * share + line, _MM_HINT_T0);
}

// totals += products * scales + offsets
template <TileFormat Format, int RowCount>
[[gnu::always_inline]] inline void scale(const BlockScales& scales, const IntegerGroup& rows,
                                         std::uint32_t at, const __m512i (&first)[RowCount],
                                         const __m512i (&second)[RowCount],
                                         __m512 (&totals)[RowCount]) {
#pragma GCC unroll 8
    for (int r = 0; r < RowCount; ++r) {
        __m512 product = _mm512_mul_ps(scales.first, _mm512_cvtepi32_ps(first[r]));
        if constexpr (has_two_scales(Format))
            product = _mm512_fmadd_ps(scales.second, _mm512_cvtepi32_ps(second[r]), product);
        totals[r] = _mm512_fmadd_ps(product, _mm512_set1_ps(rows.scales[at + r]), totals[r]);
        if constexpr (has_offsets(Format))
            totals[r] =
                _mm512_fmadd_ps(scales.offset, _mm512_set1_ps(rows.scaled_sums[at + r]), totals[r]);
    }
}

// Codes of iq4_nl are looked up as bytes that are 128 more than the weights.
template <TileFormat Format>
constexpr int zero = Format == TileFormat::iq4_nl ? 128 : tile_layout(Format).zero;

// Where the products of a block's rows with codes begin: -zero * sum of the values.
template <TileFormat Format, int RowCount>
[[gnu::always_inline]] inline void begin(const IntegerGroup& rows, std::uint32_t at,
                                         __m512i (&first)[RowCount], __m512i (&second)[RowCount]) {
    alignas(32) std::int32_t starts[2][group_rows] = {};
    if constexpr (zero<Format> != 0) {
        constexpr __mmask8 wanted = (1U << RowCount) - 1;
        const __m256i factor = _mm256_set1_epi32(-zero<Format>);
        __m256i sums[2] = {_mm256_maskz_loadu_epi32(wanted, rows.sums[0] + at),
                           _mm256_maskz_loadu_epi32(wanted, rows.sums[1] + at)};
        if constexpr (!has_two_scales(Format)) sums[0] = _mm256_add_epi32(sums[0], sums[1]);
        for (int half = 0; half < 2; ++half)
            _mm256_store_si256(reinterpret_cast<__m256i*>(starts[half]),
                               _mm256_mullo_epi32(sums[half], factor));
    }
#pragma GCC unroll 8
    for (int r = 0; r < RowCount; ++r) {
        first[r] = _mm512_set1_epi32(starts[0][r]);
        second[r] = _mm512_set1_epi32(starts[1][r]);
    }
}

template <TileFormat Format, int RowCount>
void multiply_tile(const TileSpan& span, const IntegerGroup& rows) {
    constexpr TileLayout layout = tile_layout(Format);
    __m512 totals[RowCount];
    for (int r = 0; r < RowCount; ++r) totals[r] = _mm512_setzero_ps();
    for (std::uint32_t block = 0; block < span.blocks; ++block) {
        const std::uint32_t index = block % layout.group_blocks;
        const std::byte* const group =
            span.weights + std::size_t{block / layout.group_blocks} * layout.group_bytes;
        const std::byte* const codes = group + index * layout.block_bytes;
        const std::uint32_t at = block * group_rows;
        if constexpr (RowCount >= prefetch_rows_min<Format>) prefetch<Format>(group, index);
        __m512i first[RowCount];
        __m512i second[RowCount];
        begin<Format>(rows, at, first, second);
        dot<Format>(codes, rows.values + std::size_t{at} * block_depth, first, second);
        scale<Format>(scales_of<Format>(group + layout.group_blocks * layout.block_bytes, index),
                      rows, at, first, second, totals);
    }
    for (int r = 0; r < RowCount; ++r) _mm512_storeu_ps(span.out + r * span.out_stride, totals[r]);
}

template <TileFormat Format, int RowCount>
constexpr RowKernels<IntegerGroup> kernels{1, multiply_tile<Format, RowCount>,
                                           multiply_tile<Format, RowCount>};
template <TileFormat Format>
constexpr RowKernels<IntegerGroup> by_rows[] = {
    {},
    kernels<Format, 1>,
    kernels<Format, 2>,
    kernels<Format, 3>,
    kernels<Format, 4>,
    kernels<Format, 5>,
    kernels<Format, 6>,
    kernels<Format, 7>,
    kernels<Format, 8>,
};

// Of the first 16 values and of the others.
__m128i half_sums(__m256i values) {
    const __m256i fours = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), values);
    const __m256i twos = _mm256_add_epi32(fours, _mm256_shuffle_epi32(fours, _MM_PERM_BADC));
    const __m256i sums = _mm256_add_epi32(twos, _mm256_shuffle_epi32(twos, _MM_PERM_CDAB));
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

void quantize_block(const float* x, const Rows& rows, std::size_t at) {
    const __m512 low = _mm512_loadu_ps(x);
    const __m512 high = _mm512_loadu_ps(x + 16);
    // Without their signs the bits of floats are ordered as the floats are, and NaN comes last.
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    const int greatest_bits = _mm512_reduce_max_epi32(
        _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                         _mm512_and_si512(_mm512_castps_si512(high), magnitude)));
    const float greatest = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(greatest_bits)));
    auto* const to = reinterpret_cast<__m256i*>(rows.values + at * block_depth);
    if (!(greatest >= quantized_min) || greatest_bits >= 0x7f800000) {
        _mm256_storeu_si256(to, _mm256_setzero_si256());
        rows.scales[at] = greatest_bits >= 0x7f800000 ? __builtin_nanf("") : 0;
        rows.scaled_sums[at] = rows.scales[at];
        rows.sums[0][at] = 0;
        rows.sums[1][at] = 0;
        return;
    }
    const __m512 reciprocal = _mm512_set1_ps(127 / greatest);
    const __m512i low_values = _mm512_cvtps_epi32(_mm512_mul_ps(low, reciprocal));
    const __m512i high_values = _mm512_cvtps_epi32(_mm512_mul_ps(high, reciprocal));
    const __m256i values =
        _mm256_set_m128i(_mm512_cvtepi32_epi8(high_values), _mm512_cvtepi32_epi8(low_values));
    _mm256_storeu_si256(to, values);
    const __m128i sums = half_sums(values);
    rows.sums[0][at] = _mm_extract_epi32(sums, 0);
    rows.sums[1][at] = _mm_extract_epi32(sums, 1);
    rows.scales[at] = greatest / 127;
    rows.scaled_sums[at] =
        rows.scales[at] * static_cast<float>(rows.sums[0][at] + rows.sums[1][at]);
}

}  // namespace

KernelTable<IntegerGroup> integer_kernels_avx512(TileFormat format) {
    constexpr std::uint32_t rows_max = group_rows;
    switch (format) {
        case TileFormat::q4_0: return {rows_max, by_rows<TileFormat::q4_0>};
        case TileFormat::q4_1: return {rows_max, by_rows<TileFormat::q4_1>};
        case TileFormat::iq4_nl: return {rows_max, by_rows<TileFormat::iq4_nl>};
        case TileFormat::q5_0: return {rows_max, by_rows<TileFormat::q5_0>};
        case TileFormat::q5_1: return {rows_max, by_rows<TileFormat::q5_1>};
        case TileFormat::q8_0: return {rows_max, by_rows<TileFormat::q8_0>};
        case TileFormat::q4_k: return {rows_max, by_rows<TileFormat::q4_k>};
        case TileFormat::q5_k: return {rows_max, by_rows<TileFormat::q5_k>};
        case TileFormat::q6_k: return {rows_max, by_rows<TileFormat::q6_k>};
        case TileFormat::f32:
        case TileFormat::f16:
        case TileFormat::bf16: break;
    }
    return {};
}

void quantize_avx512(const RowBlocks& blocks) {
    for (std::uint32_t index = 0; index < blocks.count; ++index)
        quantize_block(blocks.x + std::size_t{index} * block_depth, blocks.rows,
                       blocks.first + std::size_t{index} * group_rows);
}

}  // namespace cpu

// Compiled with AVX2: nothing here but intrinsics and plain loops may be instantiated.
#include "cpu/kernels/quantize.h"
#include "cpu/kernels/tile_kernel.h"

#include <immintrin.h>

namespace cpu {
namespace {

// A tile is computed as two halves of 8 columns, each with all that it needs in registers.
constexpr std::uint32_t half_columns = 8;

__m256i load(const std::byte* bytes) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

__m256 load_halves(const std::byte* bytes) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}

__m256 load_bytes(const std::byte* bytes) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes))));
}

__m256 load_signed_bytes(const std::byte* bytes) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes))));
}

// To the left, of negative `bits` to the right.
__m256i shifted(__m256i words, int bits) {
    return bits >= 0 ? _mm256_slli_epi16(words, bits) : _mm256_srli_epi16(words, -bits);
}

// a | (b & mask)
__m256i with_bits(__m256i a, __m256i b, __m256i mask) {
    return _mm256_or_si256(a, _mm256_and_si256(b, mask));
}

// Whether products take the weights as signed bytes: their codes are too wide to be added up in 16
// bits.
constexpr bool is_wide(TileFormat format) {
    return format == TileFormat::q8_0 || format == TileFormat::iq4_nl;
}

// Codes (of wide formats: weights) of 8 columns, [8 g][8 columns][4 depths].
struct Codes {
    __m256i by_depth[8];
};

template <TileFormat Format>
[[gnu::always_inline]] inline Codes codes_of(const std::byte* block) {
    Codes codes;
    const __m256i low_bits = _mm256_set1_epi8(15);
    const __m256i table = _mm256_broadcastsi128_si256(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(iq4_nl_weights)));
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
        __m256i& first = codes.by_depth[k];
        __m256i& second = codes.by_depth[k + 4];
        if constexpr (Format == TileFormat::q8_0) {
            first = _mm256_xor_si256(load(block + 64 * k), _mm256_set1_epi8(-128));
            second = _mm256_xor_si256(load(block + 64 * (k + 4)), _mm256_set1_epi8(-128));
            continue;
        }
        const __m256i packed = load(block + 64 * k);
        first = _mm256_and_si256(packed, low_bits);
        second = _mm256_and_si256(_mm256_srli_epi16(packed, 4), low_bits);
        if constexpr (Format == TileFormat::iq4_nl) {
            first = _mm256_shuffle_epi8(table, first);
            second = _mm256_shuffle_epi8(table, second);
        } else if constexpr (tile_layout(Format).bits == 5) {
            const __m256i plane = load(block + 256);
            const __m256i mask = _mm256_set1_epi8(16);
            first = with_bits(first, shifted(plane, 4 - k), mask);
            second = with_bits(second, shifted(plane, -k), mask);
        } else if constexpr (tile_layout(Format).bits == 6) {
            const __m256i mask = _mm256_set1_epi8(48);
            first = with_bits(first, shifted(load(block + 256), 4 - 2 * k), mask);
            second = with_bits(second, shifted(load(block + 320), 4 - 2 * k), mask);
        }
    }
    return codes;
}

struct BlockScales {
    __m256 first;
    __m256 second;  // of the last 16 depths, where they have their own
    __m256 offset;
};

template <TileFormat Format>
[[gnu::always_inline]] inline BlockScales scales_of(const std::byte* scales, std::uint32_t index,
                                                    std::uint32_t column) {
    const __m256 scale = load_halves(scales + 2 * column);
    if constexpr (Format == TileFormat::q6_k) {
        const std::byte* const factors = scales + 32 + 32 * index + column;
        return {_mm256_mul_ps(scale, load_signed_bytes(factors)),
                _mm256_mul_ps(scale, load_signed_bytes(factors + 16)), _mm256_setzero_ps()};
    }
    if constexpr (!has_offsets(Format)) return {scale, scale, _mm256_setzero_ps()};
    const __m256 offset = load_halves(scales + 32 + 2 * column);
    if constexpr (tile_layout(Format).group_blocks == 1) return {scale, scale, offset};
    const std::byte* const factors = scales + 64 + 16 * index + column;
    const __m256 whole = _mm256_mul_ps(scale, load_bytes(factors));
    const __m256 offsets = _mm256_mul_ps(offset, load_bytes(factors + 8 * 16));
    return {whole, whole, _mm256_sub_ps(_mm256_setzero_ps(), offsets)};
}

__m256i broadcast(const std::int8_t* four) {
    return _mm256_set1_epi32(*reinterpret_cast<const int __attribute__((may_alias))*>(four));
}

__m256i widened(__m256i pairs) {
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

// Sums of `Count` groups of 4 depths, in 16 bits as far as they fit: eight products of 4 bits with
// 7, four of 5, two of 6.
template <TileFormat Format, int Count>
[[gnu::always_inline]] inline __m256i dot(const __m256i* codes, const std::int8_t* values) {
    constexpr int fit = tile_layout(Format).bits == 4 ? 8 : tile_layout(Format).bits == 5 ? 4 : 2;
    __m256i sum = _mm256_setzero_si256();
    __m256i pairs = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int g = 0; g < Count; ++g) {
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(codes[g], broadcast(values + 4 * g)));
        if (g + 1 < Count && (g + 1) % fit != 0) continue;
        sum = _mm256_add_epi32(sum, widened(pairs));
        pairs = _mm256_setzero_si256();
    }
    return sum;
}

// Of signed weights. Their signs go over to the values, which are never -128.
[[gnu::always_inline]] inline __m256i dot_signed(const __m256i* weights,
                                                 const std::int8_t* values) {
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
        const __m256i x = _mm256_sign_epi8(broadcast(values + 4 * g), weights[g]);
        sum = _mm256_add_epi32(sum, widened(_mm256_maddubs_epi16(_mm256_abs_epi8(weights[g]), x)));
    }
    return sum;
}

// Where the products of a row's block with codes begin: -zero * sum of the values.
template <TileFormat Format>
__m256i start_of(std::int32_t sum) {
    return _mm256_set1_epi32(-tile_layout(Format).zero * sum);
}

// A row's block times a tile's, scaled but for the row's scale.
template <TileFormat Format>
[[gnu::always_inline]] inline __m256 product(const Codes& codes, const BlockScales& scales,
                                             const IntegerGroup& rows, std::uint32_t at) {
    const std::int8_t* const values = rows.values + std::size_t{at} * block_depth;
    if constexpr (is_wide(Format))
        return _mm256_mul_ps(scales.first, _mm256_cvtepi32_ps(dot_signed(codes.by_depth, values)));
    if constexpr (has_two_scales(Format)) {
        const __m256i first = _mm256_add_epi32(start_of<Format>(rows.sums[0][at]),
                                               dot<Format, 4>(codes.by_depth, values));
        const __m256i second = _mm256_add_epi32(start_of<Format>(rows.sums[1][at]),
                                                dot<Format, 4>(codes.by_depth + 4, values + 16));
        return _mm256_fmadd_ps(scales.second, _mm256_cvtepi32_ps(second),
                               _mm256_mul_ps(scales.first, _mm256_cvtepi32_ps(first)));
    }
    const __m256i sum = _mm256_add_epi32(start_of<Format>(rows.sums[0][at] + rows.sums[1][at]),
                                         dot<Format, 8>(codes.by_depth, values));
    return _mm256_mul_ps(scales.first, _mm256_cvtepi32_ps(sum));
}

// With one row the CPU's own reading ahead keeps up; with more, it is too late by itself.
constexpr int prefetch_rows_min = 2;
constexpr std::size_t prefetch_bytes = 2048;

// A block's share of what lies ahead, scales included.
template <TileFormat Format>
void prefetch(const std::byte* group, std::uint32_t index) {
    constexpr TileLayout layout = tile_layout(Format);
    constexpr std::uint32_t share = layout.group_bytes / layout.group_blocks;
    for (std::uint32_t line = 0; line < share; line += 64)
        _mm_prefetch(group + prefetch_bytes + index * share + line, _MM_HINT_T0);
}

template <TileFormat Format, int RowCount>
void multiply_half(const TileSpan& span, const IntegerGroup& rows, std::uint32_t column) {
    constexpr TileLayout layout = tile_layout(Format);
    float* const out = span.out + column;
    __m256 totals[RowCount];
    for (int r = 0; r < RowCount; ++r) totals[r] = _mm256_setzero_ps();
    for (std::uint32_t block = 0; block < span.blocks; ++block) {
        const std::uint32_t index = block % layout.group_blocks;
        const std::byte* const group =
            span.weights + std::size_t{block / layout.group_blocks} * layout.group_bytes;
        if (RowCount >= prefetch_rows_min && column == 0) prefetch<Format>(group, index);
        const Codes codes = codes_of<Format>(group + index * layout.block_bytes + 4 * column);
        const BlockScales scales =
            scales_of<Format>(group + layout.group_blocks * layout.block_bytes, index, column);
#pragma GCC unroll 4
        for (int r = 0; r < RowCount; ++r) {
            const std::uint32_t at = block * group_rows + r;
            totals[r] = _mm256_fmadd_ps(product<Format>(codes, scales, rows, at),
                                        _mm256_set1_ps(rows.scales[at]), totals[r]);
            if constexpr (has_offsets(Format))
                totals[r] =
                    _mm256_fmadd_ps(scales.offset, _mm256_set1_ps(rows.scaled_sums[at]), totals[r]);
        }
    }
    for (int r = 0; r < RowCount; ++r) _mm256_storeu_ps(out + r * span.out_stride, totals[r]);
}

template <TileFormat Format, int RowCount>
void multiply_tile(const TileSpan& span, const IntegerGroup& rows) {
    multiply_half<Format, RowCount>(span, rows, 0);
    multiply_half<Format, RowCount>(span, rows, half_columns);
}

template <TileFormat Format, int RowCount>
constexpr RowKernels<IntegerGroup> kernels{1, multiply_tile<Format, RowCount>,
                                           multiply_tile<Format, RowCount>};
constexpr std::uint32_t rows_max = 4;
template <TileFormat Format>
constexpr RowKernels<IntegerGroup> by_rows[rows_max + 1] = {
    {}, kernels<Format, 1>, kernels<Format, 2>, kernels<Format, 3>, kernels<Format, 4>,
};

__m256i rounded(const float* x, __m256 reciprocal) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), reciprocal));
}

int greatest_of(__m256i words) {
    __m128i half = _mm_max_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}

int sum_of(__m256i words) {
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}

void quantize_block(const float* x, const Rows& rows, std::size_t at) {
    // Without their signs the bits of floats are ordered as the floats are, and NaN comes last.
    __m256i greatest_lanes = _mm256_setzero_si256();
    for (int i = 0; i < 32; i += 8)
        greatest_lanes = _mm256_max_epi32(
            greatest_lanes, _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x + i)),
                                             _mm256_set1_epi32(0x7fffffff)));
    const int greatest_bits = greatest_of(greatest_lanes);
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
    const __m256 reciprocal = _mm256_set1_ps(127 / greatest);
    const __m256i a = rounded(x, reciprocal);
    const __m256i b = rounded(x + 8, reciprocal);
    const __m256i c = rounded(x + 16, reciprocal);
    const __m256i d = rounded(x + 24, reciprocal);
    // Packing works within 128 bits each; this puts groups of four back in order.
    const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    _mm256_storeu_si256(
        to, _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    rows.scales[at] = greatest / 127;
    rows.sums[0][at] = sum_of(_mm256_add_epi32(a, b));
    rows.sums[1][at] = sum_of(_mm256_add_epi32(c, d));
    rows.scaled_sums[at] =
        rows.scales[at] * static_cast<float>(rows.sums[0][at] + rows.sums[1][at]);
}

}  // namespace

KernelTable<IntegerGroup> integer_kernels_avx2(TileFormat format) {
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

void quantize_avx2(const RowBlocks& blocks) {
    for (std::uint32_t index = 0; index < blocks.count; ++index)
        quantize_block(blocks.x + std::size_t{index} * block_depth, blocks.rows,
                       blocks.first + std::size_t{index} * group_rows);
}

}  // namespace cpu

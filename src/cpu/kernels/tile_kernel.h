#pragma once

#include "cpu/kernels/rows.h"
#include "cpu/kernels/tile_format.h"

#include <cstddef>
#include <cstdint>

namespace cpu {

// What files for instruction sets see of a product: plain numbers, so that no function of a class
// is compiled with their instructions.

// Consecutive rows' activations, block by block: what a step of a kernel reads lies together. Few
// enough that they stay in an L1 cache of 32 KB while the weights of the same depth pass through
// it.
struct IntegerGroup {
    static constexpr std::uint32_t rows_max = 8;
    static constexpr std::uint32_t size = 512;  // rows * blocks

    alignas(64) std::int8_t values[size * block_depth];  // [blocks][rows][32]
    float scales[size];                                  // [blocks][rows]
    float scaled_sums[size];                             // [blocks][rows] scale * sum of the values
    // [blocks][rows] -zero * sum of the values: where their products with codes begin. Of q6_k, of
    // the first 16 values and of the others.
    std::int32_t starts[2][size];
};
struct FloatGroup {
    static constexpr std::uint32_t rows_max = 8;
    static constexpr std::uint32_t size = 128;  // rows * blocks

    alignas(64) float values[size * block_depth];  // [blocks][rows][32]
};

// Blocks of consecutive tiles, and where the sums of their columns go.
struct TileSpan {
    const std::byte* weights = nullptr;
    std::size_t tile_bytes = 0;  // from one tile to the next
    std::uint32_t blocks = 0;
    float* out = nullptr;  // [rows][16 * tiles]
    std::size_t out_stride = 0;
};

// out += weights * rows, in the order of the depth.
template <class Group>
using TileKernel = void (*)(const TileSpan& span, const Group& rows);

// For one number of rows.
template <class Group>
struct RowKernels {
    std::uint32_t tiles = 1;  // at once
    TileKernel<Group> several = nullptr;
    TileKernel<Group> one = nullptr;
};

template <class Group>
struct KernelTable {
    std::uint32_t rows_max = 0;
    const RowKernels<Group>* by_rows = nullptr;  // [rows_max + 1]
};

// Require: a format of integers, or one of floats.
KernelTable<IntegerGroup> integer_kernels_avx2(TileFormat format);
KernelTable<IntegerGroup> integer_kernels_avx512(TileFormat format);
KernelTable<FloatGroup> float_kernels_avx2(TileFormat format);
KernelTable<FloatGroup> float_kernels_avx512(TileFormat format);

constexpr bool has_two_scales(TileFormat format) {
    return format == TileFormat::q6_k;
}

constexpr bool has_offsets(TileFormat format) {
    return tile_layout(format).zero == 0 && format != TileFormat::iq4_nl;
}

}  // namespace cpu

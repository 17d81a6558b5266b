#pragma once

#include "cpu/kernels/rows.h"
#include "cpu/kernels/tile_format.h"

#include <cstddef>
#include <cstdint>

namespace cpu {

// What files for instruction sets see of a product: plain numbers, so that no function of a class
// is compiled with their instructions.

// Up to 8 rows of a group of `Rows`, from the first that is wanted on: its values and what belongs
// to them. Those of the next row follow, those of the next block are 8 rows further on.
struct IntegerGroup {
    const std::int8_t* values = nullptr;
    const float* scales = nullptr;
    const float* scaled_sums = nullptr;
    const std::int32_t* sums[2] = {};
};
struct FloatGroup {
    const float* values = nullptr;
};

// Consecutive tiles, and where the sums of their columns go.
struct TileSpan {
    const std::byte* weights = nullptr;
    std::size_t tile_bytes = 0;  // from one tile to the next
    std::uint32_t blocks = 0;
    float* out = nullptr;  // [rows][16 * tiles]
    std::size_t out_stride = 0;
};

// out = weights * rows, in the order of the depth.
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
    std::uint32_t rows_max = 0;                  // at most those of a group
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

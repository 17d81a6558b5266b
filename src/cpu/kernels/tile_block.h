#pragma once

#include "cpu/kernels/rows.h"
#include "cpu/kernels/tile_format.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace cpu {

// 32 depths of a tile, read back into plain numbers.
struct TileIntegers {
    std::int16_t weights[block_depth][tile_columns];
    // A weight is scale * integer + offset. [half]: of the first 16 depths and of the others.
    float scales[2][tile_columns];
    float offsets[tile_columns];
};
struct TileFloats {
    float weights[block_depth][tile_columns];
};

// Require: a format of integers, or one of floats.
void read_tile(TileFormat format, const std::byte* tile, std::uint32_t block, TileIntegers& out);
void read_tile(TileFormat format, const std::byte* tile, std::uint32_t block, TileFloats& out);

// One column of a tile: its weights as floats, from the first depth on.
void read_column(TileFormat format, const std::byte* tile, std::uint32_t column,
                 std::span<float> out);

}  // namespace cpu

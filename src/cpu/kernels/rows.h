#pragma once

#include <cstddef>
#include <cstdint>

namespace cpu {

inline constexpr std::uint32_t block_depth = 32;  // activations that share a scale
inline constexpr std::uint32_t tile_columns = 16;
inline constexpr std::uint32_t group_rows = 8;

// Rows of activations as products read them: in groups of 8, from row 0 on, of which a block of 32
// activations of each row lie side by side, then the next blocks. A matrix of quantised weights
// reads the integers, one of floats the floats. Memory is the caller's, of whole groups; values and
// floats are aligned to 64 bytes.
struct Rows {
    std::uint32_t depth = 0;        // a multiple of 32
    std::int8_t* values = nullptr;  // [groups][depth / 32][8][32]
    float* scales = nullptr;        // [groups][depth / 32][8]
    float* scaled_sums = nullptr;   // [groups][depth / 32][8] scale * sum of the block's values
    std::int32_t* sums[2] = {};     // [groups][depth / 32][8] of the first 16 values, the others
    float* floats = nullptr;        // [groups][depth / 32][8][32]

    // Which of all blocks is that of a row that begins at a column.
    std::size_t block_at(std::uint32_t row, std::uint32_t column) const {
        const std::size_t group = row / group_rows;
        return (group * (depth / block_depth) + column / block_depth) * group_rows +
               row % group_rows;
    }
};

// Half-open.
struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    std::uint32_t size() const { return end - begin; }
};

}  // namespace cpu

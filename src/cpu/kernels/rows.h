#pragma once

#include <cstdint>

namespace cpu {

inline constexpr std::uint32_t block_depth = 32;  // activations that share a scale
inline constexpr std::uint32_t tile_columns = 16;

// Rows of activations as products read them. A matrix of quantised weights reads the integers, one
// of floats the floats. Memory is the caller's, aligned to 64 bytes.
struct Rows {
    std::uint32_t depth = 0;        // a multiple of 32
    std::int8_t* values = nullptr;  // [rows][depth]
    float* scales = nullptr;        // [rows][depth / 32]
    std::int32_t* sums = nullptr;   // [rows][depth / 32], of a block's 32 values
    float* floats = nullptr;        // [rows][depth]
};

// Half-open.
struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    std::uint32_t size() const { return end - begin; }
};

}  // namespace cpu

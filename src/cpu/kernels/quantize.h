#pragma once

#include <cstdint>

namespace cpu {

// Blocks of activations, in `Rows`.
struct RowBlocks {
    const float* x = nullptr;  // [count][32]
    std::int8_t* values = nullptr;
    float* scales = nullptr;
    std::int32_t* sums = nullptr;
    std::uint32_t count = 0;
};

// Blocks whose greatest activation is below are zeros: its reciprocal would not be finite.
inline constexpr float quantized_min = 0x1p-118F;

void quantize_portable(const RowBlocks& blocks);
void quantize_avx2(const RowBlocks& blocks);
void quantize_avx512(const RowBlocks& blocks);

}  // namespace cpu

#pragma once

#include "cpu/kernels/rows.h"

#include <cstddef>
#include <cstdint>

namespace cpu {

// Consecutive blocks of a row.
struct RowBlocks {
    const float* x = nullptr;  // [count][32]
    const Rows& rows;
    std::size_t first = 0;  // `Rows::block_at`; the next is 8 blocks further on
    std::uint32_t count = 0;
};

// Blocks whose greatest activation is below are zeros: its reciprocal would not be finite.
inline constexpr float quantized_min = 0x1p-118F;

void quantize_portable(const RowBlocks& blocks);
void quantize_avx2(const RowBlocks& blocks);
void quantize_avx512(const RowBlocks& blocks);

}  // namespace cpu

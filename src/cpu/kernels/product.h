#pragma once

#include "cpu/kernels/isa.h"
#include "cpu/kernels/packed_matrix.h"
#include "cpu/kernels/rows.h"

#include <cstddef>
#include <cstdint>

namespace cpu {

// Matrix products. A row's result does not depend on how many rows or tiles are computed together.
struct ProductKernels {
    // `count` activations, a multiple of 32, into row `row` from column `first`, a multiple of 32,
    // on: values, scales and their sums. A value is round(x / scale), scale = max |x| / 127.
    void (*quantize)(const float* x, std::uint32_t count, const Rows& rows, std::uint32_t row,
                     std::uint32_t first);

    // out[row - which.begin][column - 16 * tiles.begin] for all columns of the tiles, those that
    // fill the last one included. `out_stride`: floats from one row of `out` to the next.
    // Requires: rows.depth == matrix.depth().
    void (*multiply)(const PackedMatrix& matrix, Range tiles, const Rows& rows, Range which,
                     float* out, std::size_t out_stride);
};

// Requires: the CPU can run `isa`.
const ProductKernels& product_kernels(Isa isa);

}  // namespace cpu

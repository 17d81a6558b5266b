#pragma once

#include "cpu/kernels/packed_matrix.h"
#include "cpu/kernels/rows.h"
#include "cpu/kernels/tile_kernel.h"

#include <cstddef>

namespace cpu {

// One call of `ProductKernels::multiply`.
struct TileProduct {
    const PackedMatrix& matrix;
    Range tiles;
    const Rows& rows;
    Range which;
    float* out = nullptr;
    std::size_t out_stride = 0;
};

void multiply_portable(const TileProduct& product);

// By the kernels of an instruction set.
template <class Group>
void multiply_by_groups(const TileProduct& product, const KernelTable<Group>& kernels);
extern template void multiply_by_groups(const TileProduct&, const KernelTable<IntegerGroup>&);
extern template void multiply_by_groups(const TileProduct&, const KernelTable<FloatGroup>&);

}  // namespace cpu

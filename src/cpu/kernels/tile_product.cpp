#include "cpu/kernels/tile_product.h"

#include <algorithm>

namespace cpu {
namespace {

void begin_at(const Rows& rows, std::uint32_t row, IntegerGroup& group) {
    const std::size_t at = rows.block_at(row, 0);
    group = {.values = rows.values + at * block_depth,
             .scales = rows.scales + at,
             .scaled_sums = rows.scaled_sums + at,
             .sums = {rows.sums[0] + at, rows.sums[1] + at}};
}

void begin_at(const Rows& rows, std::uint32_t row, FloatGroup& group) {
    group.values = rows.floats + rows.block_at(row, 0) * block_depth;
}

// All tiles for a few rows; `out`: of the first of them.
template <class Group>
void multiply_group(const TileProduct& product, const Group& group,
                    const RowKernels<Group>& kernels, float* out) {
    for (std::uint32_t tile = product.tiles.begin; tile < product.tiles.end;) {
        const bool several = product.tiles.end - tile >= kernels.tiles;
        (several ? kernels.several : kernels.one)(
            {.weights = product.matrix.tile(tile),
             .tile_bytes = product.matrix.tile_bytes(),
             .blocks = product.rows.depth / block_depth,
             .out = out + std::size_t{tile - product.tiles.begin} * tile_columns,
             .out_stride = product.out_stride},
            group);
        tile += several ? kernels.tiles : 1;
    }
}

// As many rows as a kernel takes and as are left in their group; where it takes several times to
// finish the group, about the same number each time: what unpacking costs is shared evenly.
std::uint32_t rows_at_once(std::uint32_t row, std::uint32_t end, std::uint32_t rows_max) {
    const std::uint32_t left = std::min(end - row, group_rows - row % group_rows);
    const std::uint32_t times = (left + rows_max - 1) / rows_max;
    return (left + times - 1) / times;
}

}  // namespace

template <class Group>
void multiply_by_groups(const TileProduct& product, const KernelTable<Group>& kernels) {
    for (std::uint32_t row = product.which.begin; row < product.which.end;) {
        const std::uint32_t count = rows_at_once(row, product.which.end, kernels.rows_max);
        Group group;
        begin_at(product.rows, row, group);
        multiply_group(product, group, kernels.by_rows[count],
                       product.out + (row - product.which.begin) * product.out_stride);
        row += count;
    }
}

template void multiply_by_groups(const TileProduct&, const KernelTable<IntegerGroup>&);
template void multiply_by_groups(const TileProduct&, const KernelTable<FloatGroup>&);

}  // namespace cpu

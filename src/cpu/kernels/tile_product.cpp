#include "cpu/kernels/tile_product.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace cpu {
namespace {

// Codes of iq4_nl are looked up as bytes that are 128 more than the weights.
std::int32_t zero_of(TileFormat format) {
    return format == TileFormat::iq4_nl ? 128 : tile_layout(format).zero;
}

// Parts of the depth begin where blocks begin to share scales, in every format.
constexpr std::uint32_t group_blocks_max = 8;

struct GroupPart {
    Range which;   // rows
    Range blocks;  // of the depth
};

void gather_block(TileFormat format, const Rows& rows, std::size_t from, std::size_t to,
                  IntegerGroup& group) {
    const std::int8_t* const values = rows.values + from * block_depth;
    std::memcpy(group.values + to * block_depth, values, block_depth);
    const std::int32_t sum = rows.sums[from];
    group.scales[to] = rows.scales[from];
    group.scaled_sums[to] = rows.scales[from] * static_cast<float>(sum);
    group.starts[0][to] = -zero_of(format) * sum;
    if (!has_two_scales(format)) return;
    const std::int32_t half = std::accumulate(values, values + 16, 0);
    group.starts[0][to] = -zero_of(format) * half;
    group.starts[1][to] = -zero_of(format) * (sum - half);
}

void gather_block(TileFormat, const Rows& rows, std::size_t from, std::size_t to,
                  FloatGroup& group) {
    std::memcpy(group.values + to * block_depth, rows.floats + from * block_depth,
                block_depth * sizeof(float));
}

template <class Group>
void gather(TileFormat format, const Rows& rows, const GroupPart& part, Group& group) {
    const std::size_t row_blocks = rows.depth / block_depth;
    for (std::uint32_t row = 0; row < part.which.size(); ++row)
        for (std::uint32_t block = 0; block < part.blocks.size(); ++block)
            gather_block(format, rows,
                         (part.which.begin + row) * row_blocks + part.blocks.begin + block,
                         std::size_t{block} * part.which.size() + row, group);
}

// Part of the depth for all tiles; `out`: of the part's first row.
template <class Group>
void multiply_part(const TileProduct& product, const GroupPart& part,
                   const RowKernels<Group>& kernels, float* out) {
    Group group;
    gather(product.matrix.format(), product.rows, part, group);
    const TileLayout layout = tile_layout(product.matrix.format());
    const std::size_t skipped =
        std::size_t{part.blocks.begin / layout.group_blocks} * layout.group_bytes;
    for (std::uint32_t tile = product.tiles.begin; tile < product.tiles.end;) {
        const bool several = product.tiles.end - tile >= kernels.tiles;
        (several ? kernels.several : kernels.one)(
            {.weights = product.matrix.tile(tile) + skipped,
             .tile_bytes = product.matrix.tile_bytes(),
             .blocks = part.blocks.size(),
             .out = out + std::size_t{tile - product.tiles.begin} * tile_columns,
             .out_stride = product.out_stride},
            group);
        tile += several ? kernels.tiles : 1;
    }
}

}  // namespace

template <class Group>
void multiply_by_groups(const TileProduct& product, const KernelTable<Group>& kernels) {
    const std::uint32_t blocks = product.rows.depth / block_depth;
    // Groups of about the same size: what unpacking costs is shared evenly.
    std::uint32_t left = (product.which.size() + kernels.rows_max - 1) / kernels.rows_max;
    for (std::uint32_t row = product.which.begin; left > 0; --left) {
        const std::uint32_t count = (product.which.end - row + left - 1) / left;
        float* const out = product.out + (row - product.which.begin) * product.out_stride;
        for (std::uint32_t i = 0; i < count; ++i)
            std::fill_n(out + i * product.out_stride,
                        std::size_t{product.tiles.size()} * tile_columns, 0.0F);
        const std::uint32_t blocks_max = Group::size / count / group_blocks_max * group_blocks_max;
        for (std::uint32_t block = 0; block < blocks; block += blocks_max)
            multiply_part(product,
                          {.which = {.begin = row, .end = row + count},
                           .blocks = {.begin = block, .end = std::min(block + blocks_max, blocks)}},
                          kernels.by_rows[count], out);
        row += count;
    }
}

template void multiply_by_groups(const TileProduct&, const KernelTable<IntegerGroup>&);
template void multiply_by_groups(const TileProduct&, const KernelTable<FloatGroup>&);

}  // namespace cpu

#include "cpu/kernels/quantize.h"
#include "cpu/kernels/tile_block.h"
#include "cpu/kernels/tile_product.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cpu {
namespace {

// out[column] += one row's block times a tile's.
void add_integers(const TileIntegers& tile, const Rows& rows, std::size_t at, float* out) {
    const std::int8_t* const x = rows.values + at * block_depth;
    std::int32_t sums[2][tile_columns] = {};
    for (std::uint32_t d = 0; d < block_depth; ++d)
        for (std::uint32_t column = 0; column < tile_columns; ++column)
            sums[d / 16][column] += tile.weights[d][column] * x[d];
    for (std::uint32_t column = 0; column < tile_columns; ++column) {
        const float product = tile.scales[0][column] * static_cast<float>(sums[0][column]) +
                              tile.scales[1][column] * static_cast<float>(sums[1][column]);
        out[column] += product * rows.scales[at];
        out[column] += tile.offsets[column] * rows.scaled_sums[at];
    }
}

void add_floats(const TileFloats& tile, const Rows& rows, std::size_t at, float* out) {
    const float* const x = rows.floats + at * block_depth;
    for (std::uint32_t d = 0; d < block_depth; ++d)
        for (std::uint32_t column = 0; column < tile_columns; ++column)
            out[column] += tile.weights[d][column] * x[d];
}

template <class Tile, void (*Add)(const Tile&, const Rows&, std::size_t, float*)>
void multiply_tile(const TileProduct& product, std::uint32_t index) {
    float* const out = product.out + std::size_t{index - product.tiles.begin} * tile_columns;
    const std::uint32_t blocks = product.rows.depth / block_depth;
    for (std::uint32_t row = 0; row < product.which.size(); ++row)
        std::fill_n(out + row * product.out_stride, tile_columns, 0.0F);
    for (std::uint32_t block = 0; block < blocks; ++block) {
        Tile tile;
        read_tile(product.matrix.format(), product.matrix.tile(index), block, tile);
        for (std::uint32_t row = 0; row < product.which.size(); ++row)
            Add(tile, product.rows,
                product.rows.block_at(product.which.begin + row, block * block_depth),
                out + row * product.out_stride);
    }
}

// To the nearest integer, half to even: what floats of this size do by themselves. |x| < 2^22.
float rounded(float x) {
    constexpr float without_fraction = 0x1.8p23F;
    return x + without_fraction - without_fraction;
}

void quantize_block(const float* x, const Rows& rows, std::size_t at) {
    std::int8_t* const values = rows.values + at * block_depth;
    float greatest = 0;
    bool finite = true;
    for (std::uint32_t i = 0; i < block_depth; ++i) {
        greatest = std::max(greatest, std::fabs(x[i]));
        finite = finite && std::isfinite(x[i]);
    }
    std::fill_n(values, block_depth, std::int8_t{0});
    rows.sums[0][at] = 0;
    rows.sums[1][at] = 0;
    rows.scales[at] = finite ? 0 : std::numeric_limits<float>::quiet_NaN();
    rows.scaled_sums[at] = rows.scales[at];
    if (!finite || greatest < quantized_min) return;
    rows.scales[at] = greatest / 127;
    const float reciprocal = 127 / greatest;
    for (std::uint32_t i = 0; i < block_depth; ++i) {
        values[i] = static_cast<std::int8_t>(rounded(x[i] * reciprocal));
        rows.sums[i / 16][at] += values[i];
    }
    rows.scaled_sums[at] =
        rows.scales[at] * static_cast<float>(rows.sums[0][at] + rows.sums[1][at]);
}

}  // namespace

void multiply_portable(const TileProduct& product) {
    for (std::uint32_t tile = product.tiles.begin; tile < product.tiles.end; ++tile) {
        if (product.matrix.reads_integers())
            multiply_tile<TileIntegers, add_integers>(product, tile);
        else
            multiply_tile<TileFloats, add_floats>(product, tile);
    }
}

void quantize_portable(const RowBlocks& blocks) {
    for (std::uint32_t index = 0; index < blocks.count; ++index)
        quantize_block(blocks.x + std::size_t{index} * block_depth, blocks.rows,
                       blocks.first + std::size_t{index} * group_rows);
}

}  // namespace cpu

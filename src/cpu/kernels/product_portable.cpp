#include "cpu/kernels/quantize.h"
#include "cpu/kernels/tile_block.h"
#include "cpu/kernels/tile_product.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cpu {
namespace {

// out[column] += one row's block times a tile's.
void add_integers(const TileIntegers& tile, const Rows& rows, std::size_t row_block, float* out) {
    const std::int8_t* const x = rows.values + row_block * block_depth;
    std::int32_t sums[2][tile_columns] = {};
    for (std::uint32_t d = 0; d < block_depth; ++d)
        for (std::uint32_t column = 0; column < tile_columns; ++column)
            sums[d / 16][column] += tile.weights[d][column] * x[d];
    const float scale = rows.scales[row_block];
    const float scaled_sum = scale * static_cast<float>(rows.sums[row_block]);
    for (std::uint32_t column = 0; column < tile_columns; ++column) {
        const float product = tile.scales[0][column] * static_cast<float>(sums[0][column]) +
                              tile.scales[1][column] * static_cast<float>(sums[1][column]);
        out[column] += product * scale;
        out[column] += tile.offsets[column] * scaled_sum;
    }
}

void add_floats(const TileFloats& tile, const Rows& rows, std::size_t row_block, float* out) {
    const float* const x = rows.floats + row_block * block_depth;
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
            Add(tile, product.rows, std::size_t{product.which.begin + row} * blocks + block,
                out + row * product.out_stride);
    }
}

// To the nearest integer, half to even: what floats of this size do by themselves. |x| < 2^22.
float rounded(float x) {
    constexpr float without_fraction = 0x1.8p23F;
    return x + without_fraction - without_fraction;
}

void quantize_block(const RowBlocks& blocks, std::uint32_t index) {
    const float* const x = blocks.x + std::size_t{index} * block_depth;
    std::int8_t* const values = blocks.values + std::size_t{index} * block_depth;
    float greatest = 0;
    bool finite = true;
    for (std::uint32_t i = 0; i < block_depth; ++i) {
        greatest = std::max(greatest, std::fabs(x[i]));
        finite = finite && std::isfinite(x[i]);
    }
    std::fill_n(values, block_depth, std::int8_t{0});
    blocks.sums[index] = 0;
    blocks.scales[index] = finite ? 0 : std::numeric_limits<float>::quiet_NaN();
    if (!finite || greatest < quantized_min) return;
    blocks.scales[index] = greatest / 127;
    const float reciprocal = 127 / greatest;
    for (std::uint32_t i = 0; i < block_depth; ++i) {
        values[i] = static_cast<std::int8_t>(rounded(x[i] * reciprocal));
        blocks.sums[index] += values[i];
    }
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
    for (std::uint32_t index = 0; index < blocks.count; ++index) quantize_block(blocks, index);
}

}  // namespace cpu

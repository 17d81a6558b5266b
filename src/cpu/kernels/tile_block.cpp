#include "cpu/kernels/tile_block.h"

#include "cpu/kernels/file_block.h"
#include "cpu/kernels/half.h"

#include <cstring>

namespace cpu {
namespace {

// The codes of a block at [depth][column].
std::uint8_t code_at(TileFormat format, const std::uint8_t* block, std::uint32_t depth,
                     std::uint32_t column) {
    const std::uint32_t bits = tile_layout(format).bits;
    const std::uint32_t g = depth / 4;
    const std::uint32_t in_group = column * 4 + depth % 4;
    if (bits == 8) return block[g * 64 + in_group];
    const unsigned low = block[g % 4 * 64 + in_group] >> (g / 4 * 4) & 15U;
    unsigned high = 0;
    if (bits == 5) high = block[256 + in_group] >> g & 1U;
    if (bits == 6) high = block[256 + g / 4 * 64 + in_group] >> (g % 4 * 2) & 3U;
    return static_cast<std::uint8_t>(low | high << 4);
}

FileScales scales_at(TileFormat format, const std::byte* group_scales, std::uint32_t column) {
    const TileLayout layout = tile_layout(format);
    const bool has_offsets = layout.zero == 0 && format != TileFormat::iq4_nl;
    FileScales scales;
    std::memcpy(&scales.scale, group_scales + std::size_t{column} * 2, 2);
    if (has_offsets) std::memcpy(&scales.offset, group_scales + 32 + std::size_t{column} * 2, 2);
    if (layout.group_blocks == 1) return scales;
    const std::byte* factors = group_scales + (has_offsets ? 64 : 32) + column;
    for (std::size_t i = 0; i < (has_offsets ? 8U : 16U); ++i, factors += tile_columns)
        scales.scale_factors[i] = std::to_integer<std::uint8_t>(*factors);
    if (!has_offsets) return scales;
    for (std::size_t i = 0; i < 8; ++i, factors += tile_columns)
        scales.offset_factors[i] = std::to_integer<std::uint8_t>(*factors);
    return scales;
}

}  // namespace

void read_tile(TileFormat format, const std::byte* tile, std::uint32_t block, TileIntegers& out) {
    const TileLayout layout = tile_layout(format);
    const std::uint32_t index = block % layout.group_blocks;
    const std::byte* const group =
        tile + std::size_t{block / layout.group_blocks} * layout.group_bytes;
    const auto* const codes =
        reinterpret_cast<const std::uint8_t*>(group) + std::size_t{index} * layout.block_bytes;
    for (std::uint32_t d = 0; d < block_depth; ++d)
        for (std::uint32_t column = 0; column < tile_columns; ++column)
            out.weights[d][column] =
                static_cast<std::int16_t>(weight_of(format, code_at(format, codes, d, column)));
    for (std::uint32_t column = 0; column < tile_columns; ++column) {
        const FileScales scales = scales_at(
            format, group + std::size_t{layout.group_blocks} * layout.block_bytes, column);
        const WeightScales weight = weight_scales(format, scales, index);
        out.scales[0][column] = weight.scales[0];
        out.scales[1][column] = weight.scales[1];
        out.offsets[column] = weight.offset;
    }
}

void read_tile(TileFormat format, const std::byte* tile, std::uint32_t block, TileFloats& out) {
    const std::byte* const weights = tile + std::size_t{block} * tile_layout(format).block_bytes;
    if (format == TileFormat::f32) {
        std::memcpy(out.weights, weights, sizeof out.weights);
        return;
    }
    for (std::size_t i = 0; i < std::size_t{block_depth} * tile_columns; ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, weights + i * sizeof bits, sizeof bits);
        out.weights[i / tile_columns][i % tile_columns] =
            format == TileFormat::f16 ? float_of_half(bits) : float_of_bfloat(bits);
    }
}

}  // namespace cpu

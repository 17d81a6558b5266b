#include "cpu/kernels/tile_block.h"

#include "cpu/kernels/file_block.h"
#include "cpu/kernels/half.h"

#include <cstring>

namespace cpu {
namespace {

// The codes of a block's column: the opposite of how `PackedMatrix` writes them.
Codes codes_at(TileFormat format, const std::byte* block, std::uint32_t column) {
    std::uint32_t words[8];  // of 4 codes
    const auto word = [&](std::uint32_t k) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, block + (std::size_t{k} * tile_columns + column) * 4, 4);
        return bits;
    };
    const std::uint32_t bits = tile_layout(format).bits;
    for (std::uint32_t g = 0; g < 8; ++g) {
        words[g] = bits == 8 ? word(g) : word(g % 4) >> (g / 4 * 4) & 0x0f0f0f0fU;
        if (bits == 5) words[g] |= (word(4) >> g & 0x01010101U) << 4;
        if (bits == 6) words[g] |= (word(4 + g / 4) >> (g % 4 * 2) & 0x03030303U) << 4;
    }
    Codes codes;
    std::memcpy(codes.data(), words, sizeof words);
    return codes;
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

// 32 depths of a tile, and what scales them.
struct BlockPlace {
    const std::byte* codes;
    const std::byte* group_scales;
    std::uint32_t index;  // in its group
};

BlockPlace place_of(TileFormat format, const std::byte* tile, std::uint32_t block) {
    const TileLayout layout = tile_layout(format);
    const std::uint32_t index = block % layout.group_blocks;
    const std::byte* const group =
        tile + std::size_t{block / layout.group_blocks} * layout.group_bytes;
    return {.codes = group + std::size_t{index} * layout.block_bytes,
            .group_scales = group + std::size_t{layout.group_blocks} * layout.block_bytes,
            .index = index};
}

float float_at(TileFormat format, const std::byte* weights, std::size_t index) {
    if (format == TileFormat::f32) {
        float weight = 0;
        std::memcpy(&weight, weights + index * sizeof weight, sizeof weight);
        return weight;
    }
    std::uint16_t bits = 0;
    std::memcpy(&bits, weights + index * sizeof bits, sizeof bits);
    return format == TileFormat::f16 ? float_of_half(bits) : float_of_bfloat(bits);
}

void read_integers(TileFormat format, const BlockPlace& place, std::uint32_t column, float* out) {
    const Codes codes = codes_at(format, place.codes, column);
    const WeightScales scales =
        weight_scales(format, scales_at(format, place.group_scales, column), place.index);
    for (std::uint32_t d = 0; d < block_depth; ++d)
        out[d] =
            scales.scales[d / 16] * static_cast<float>(weight_of(format, codes[d])) + scales.offset;
}

}  // namespace

void read_column(TileFormat format, const std::byte* tile, std::uint32_t column,
                 std::span<float> out) {
    for (std::uint32_t block = 0; block < out.size() / block_depth; ++block) {
        const BlockPlace place = place_of(format, tile, block);
        float* const to = out.data() + std::size_t{block} * block_depth;
        if (!is_float(format)) {
            read_integers(format, place, column, to);
            continue;
        }
        for (std::uint32_t d = 0; d < block_depth; ++d)
            to[d] = float_at(format, place.codes, std::size_t{d} * tile_columns + column);
    }
}

void read_tile(TileFormat format, const std::byte* tile, std::uint32_t block, TileIntegers& out) {
    const BlockPlace place = place_of(format, tile, block);
    for (std::uint32_t column = 0; column < tile_columns; ++column) {
        const Codes codes = codes_at(format, place.codes, column);
        for (std::uint32_t d = 0; d < block_depth; ++d)
            out.weights[d][column] = static_cast<std::int16_t>(weight_of(format, codes[d]));
        const WeightScales weight =
            weight_scales(format, scales_at(format, place.group_scales, column), place.index);
        out.scales[0][column] = weight.scales[0];
        out.scales[1][column] = weight.scales[1];
        out.offsets[column] = weight.offset;
    }
}

void read_tile(TileFormat format, const std::byte* tile, std::uint32_t block, TileFloats& out) {
    const BlockPlace place = place_of(format, tile, block);
    for (std::size_t i = 0; i < std::size_t{block_depth} * tile_columns; ++i)
        out.weights[i / tile_columns][i % tile_columns] = float_at(format, place.codes, i);
}

}  // namespace cpu

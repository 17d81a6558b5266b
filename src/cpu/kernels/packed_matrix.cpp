#include "cpu/kernels/packed_matrix.h"

#include "cpu/kernels/file_block.h"
#include "cpu/kernels/tile_block.h"
#include "worker/base/assert.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace cpu {
namespace {

constexpr std::uint32_t words_per_block = 8;  // of 4 codes

using CodeWords = std::array<std::uint32_t, words_per_block>;

// `column` of a tile's block, whose words are 16 columns apart.
void write_words(std::byte* block, std::uint32_t column, const std::uint32_t* words,
                 std::uint32_t count) {
    for (std::uint32_t k = 0; k < count; ++k)
        std::memcpy(block + (std::size_t{k} * tile_columns + column) * 4, words + k, 4);
}

void write_codes(TileFormat format, std::byte* block, std::uint32_t column, const Codes& codes) {
    CodeWords words;
    std::memcpy(words.data(), codes.data(), sizeof words);
    const std::uint32_t bits = tile_layout(format).bits;
    if (bits == 8) {
        write_words(block, column, words.data(), words_per_block);
        return;
    }
    std::array<std::uint32_t, 4> low{};
    for (std::uint32_t k = 0; k < 4; ++k)
        low[k] = (words[k] & 0x0f0f0f0fU) | (words[k + 4] & 0x0f0f0f0fU) << 4;
    write_words(block, column, low.data(), 4);
    std::array<std::uint32_t, 2> high{};
    for (std::uint32_t g = 0; g < words_per_block; ++g) {
        const std::uint32_t rest = words[g] >> 4;
        if (bits == 5) high[0] |= (rest & 0x01010101U) << g;
        if (bits == 6) high[g / 4] |= (rest & 0x03030303U) << (2 * (g % 4));
    }
    write_words(block + 256, column, high.data(), bits - 4);
}

void write_scales(TileFormat format, std::byte* group_scales, std::uint32_t column,
                  const FileScales& scales) {
    const TileLayout layout = tile_layout(format);
    const bool has_offsets = layout.zero == 0 && format != TileFormat::iq4_nl;
    std::memcpy(group_scales + std::size_t{column} * 2, &scales.scale, 2);
    if (has_offsets) std::memcpy(group_scales + 32 + std::size_t{column} * 2, &scales.offset, 2);
    if (layout.group_blocks == 1) return;
    std::byte* factors = group_scales + (has_offsets ? 64 : 32);
    const std::size_t scale_factors = has_offsets ? 8 : 16;
    for (std::size_t i = 0; i < scale_factors; ++i)
        factors[i * tile_columns + column] = std::byte{scales.scale_factors[i]};
    if (!has_offsets) return;
    factors += scale_factors * tile_columns;
    for (std::size_t i = 0; i < scales.offset_factors.size(); ++i)
        factors[i * tile_columns + column] = std::byte{scales.offset_factors[i]};
}

// Of the formats of 4 bits in blocks of 32: the file's nibbles, last in its block, are in the order
// of the tile's.
void copy_codes(std::byte* block, std::uint32_t column, const std::byte* file_block_end) {
    std::array<std::uint32_t, 4> low;
    std::memcpy(low.data(), file_block_end - sizeof low, sizeof low);
    write_words(block, column, low.data(), 4);
}

void pack_integers(TileFormat format, std::uint32_t groups, const std::byte* file_row,
                   std::size_t file_block_bytes, std::byte* tile, std::uint32_t column) {
    const TileLayout layout = tile_layout(format);
    for (std::uint32_t group = 0; group < groups; ++group) {
        std::byte* const packed = tile + std::size_t{group} * layout.group_bytes;
        const std::byte* const file_block = file_row + group * file_block_bytes;
        if (layout.bits == 4 && layout.group_blocks == 1)
            copy_codes(packed, column, file_block + file_block_bytes);
        else
            for (std::uint32_t i = 0; i < layout.group_blocks; ++i)
                write_codes(format, packed + std::size_t{i} * layout.block_bytes, column,
                            read_codes(format, file_block, i));
        write_scales(format, packed + std::size_t{layout.group_blocks} * layout.block_bytes, column,
                     read_scales(format, file_block));
    }
}

template <class Bits>
void pack_floats(std::uint32_t depth, const std::byte* file_row, std::byte* tile,
                 std::uint32_t column) {
    for (std::size_t d = 0; d < depth; ++d)
        std::memcpy(tile + (d * tile_columns + column) * sizeof(Bits), file_row + d * sizeof(Bits),
                    sizeof(Bits));
}

std::uint32_t blocks_of(std::uint32_t depth) {
    return depth / block_depth;
}

std::size_t bytes_of_tile(TileFormat format, std::uint32_t depth) {
    const TileLayout layout = tile_layout(format);
    return std::size_t{blocks_of(depth)} / layout.group_blocks * layout.group_bytes;
}

}  // namespace

bool can_pack(const worker::GgmlType& type, std::uint64_t depth) {
    return tile_format(type) && depth > 0 && depth % block_depth == 0 &&
           depth % type.block_elements == 0;
}

PackedMatrix::PackedMatrix(const worker::GgmlType& type, std::uint32_t depth, std::uint32_t columns)
    : PackedMatrix(type, depth, columns, nullptr) {
    own_ = AlignedBuffer(bytes_);
    memory_ = own_.data();
}

PackedMatrix::PackedMatrix(const worker::GgmlType& type, std::uint32_t depth, std::uint32_t columns,
                           std::byte* memory)
    : file_row_bytes_(std::size_t{depth} / type.block_elements * type.block_bytes),
      format_(tile_format(type).value()),
      depth_(depth),
      columns_(columns),
      bytes_(bytes_of(type, depth, columns)),
      memory_(memory) {
    WORKER_ASSERT(can_pack(type, depth));
}

std::size_t PackedMatrix::bytes_of(const worker::GgmlType& type, std::uint32_t depth,
                                   std::uint32_t columns) {
    const std::size_t tiles = (columns + tile_columns - 1) / tile_columns;
    const std::size_t bytes = tiles * bytes_of_tile(tile_format(type).value(), depth);
    return (bytes + 63) / 64 * 64;
}

std::size_t PackedMatrix::tile_bytes() const {
    return bytes_of_tile(format_, depth_);
}

const std::byte* PackedMatrix::tile(std::uint32_t index) const {
    return memory_ + index * tile_bytes();
}

void PackedMatrix::pack(Range tiles, std::span<const std::byte> file_rows) {
    const std::uint32_t first = tiles.begin * tile_columns;
    const std::uint32_t count = std::min(tiles.end * tile_columns, columns_) - first;
    WORKER_ASSERT(file_rows.size() == count * file_row_bytes_);
    const std::uint32_t groups = blocks_of(depth_) / tile_layout(format_).group_blocks;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::byte* const row = file_rows.data() + i * file_row_bytes_;
        std::byte* const to = memory_ + (tiles.begin + i / tile_columns) * tile_bytes();
        const std::uint32_t column = i % tile_columns;
        switch (format_) {
            case TileFormat::f32: pack_floats<std::uint32_t>(depth_, row, to, column); break;
            case TileFormat::f16:
            case TileFormat::bf16: pack_floats<std::uint16_t>(depth_, row, to, column); break;
            default: pack_integers(format_, groups, row, file_row_bytes_ / groups, to, column);
        }
    }
}

void PackedMatrix::read_column(std::uint32_t column, float* out) const {
    cpu::read_column(format_, tile(column / tile_columns), column % tile_columns, {out, depth_});
}

}  // namespace cpu

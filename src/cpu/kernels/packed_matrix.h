#pragma once

#include "cpu/kernels/aligned_buffer.h"
#include "cpu/kernels/rows.h"
#include "cpu/kernels/tile_format.h"
#include "worker/model_file/ggml_type.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace cpu {

// Whether a matrix of this type and depth can be packed: a depth of whole blocks of 32, or of the
// type's own where these are longer. The packed size is at most 1.15 times the file's.
bool can_pack(const worker::GgmlType& type, std::uint64_t depth);

// The weights of a product, [depth][columns], in tiles of 16 columns × 32 depth in the order in
// which kernels read them: all blocks of the first tile's columns, then of the next. Columns are
// what a file calls rows: one an output. Columns that fill the last tile are zero.
class PackedMatrix {
public:
    PackedMatrix() = default;
    // Requires: `can_pack`.
    PackedMatrix(const worker::GgmlType& type, std::uint32_t depth, std::uint32_t columns);
    // In memory of the caller: a model's matrices in one piece share huge pages, for which most are
    // too small alone. Requires: `can_pack`; `bytes_of` zeroed bytes, aligned to 64, that outlive
    // the matrix.
    PackedMatrix(const worker::GgmlType& type, std::uint32_t depth, std::uint32_t columns,
                 std::byte* memory);

    // A multiple of 64.
    static std::size_t bytes_of(const worker::GgmlType& type, std::uint32_t depth,
                                std::uint32_t columns);

    std::uint32_t depth() const { return depth_; }
    std::uint32_t columns() const { return columns_; }
    std::uint32_t tiles() const { return (columns_ + tile_columns - 1) / tile_columns; }
    // Whether products read the integers of their rows; else the floats.
    bool reads_integers() const { return !is_float(format_); }
    std::size_t bytes() const { return bytes_; }

    TileFormat format() const { return format_; }
    std::size_t tile_bytes() const;
    const std::byte* tile(std::uint32_t index) const;

    // Fills the tiles from the columns of a file that begin with that of the first tile:
    // `file_rows` holds `tiles.size() * 16` rows of the file's format, or fewer in the last tile.
    // Thread: any, for other tiles.
    void pack(Range tiles, std::span<const std::byte> file_rows);

    // The weights of one column, as floats: out[depth].
    void read_column(std::uint32_t column, float* out) const;

private:
    std::size_t file_row_bytes_ = 0;
    TileFormat format_ = TileFormat::f32;
    std::uint32_t depth_ = 0;
    std::uint32_t columns_ = 0;
    std::size_t bytes_ = 0;
    AlignedBuffer own_;
    std::byte* memory_ = nullptr;
};

}  // namespace cpu

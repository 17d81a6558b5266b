#pragma once

#include "cpu/kernels/tile_format.h"
#include "worker/model_file/ggml_type.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace cpu {

// What the blocks of a file's quantised types hold, apart from how their bits are laid out.
// Source: block_* and dequantize_row_* in ggml-common.h and ggml-quants.c.

// Nothing for types that the engine does not take.
std::optional<TileFormat> tile_format(const worker::GgmlType& type);

// The codes of 32 weights that follow each other.
using Codes = std::array<std::uint8_t, 32>;

// Of a whole block of the file: 32 weights, or 256 with factors.
struct FileScales {
    std::uint16_t scale = 0;   // f16
    std::uint16_t offset = 0;  // f16; 0 where there is none
    // By 32 weights (q6_k: by 16, and signed).
    std::array<std::uint8_t, 16> scale_factors{};
    std::array<std::uint8_t, 8> offset_factors{};
};

// Requires of these: a format of integers; `index` counts the 32 weights within the file's block.
Codes read_codes(TileFormat format, const std::byte* file_block, std::uint32_t index);
FileScales read_scales(TileFormat format, const std::byte* file_block);

// What 32 weights are made of: scale * integer + offset.
struct WeightScales {
    std::array<float, 2> scales{};  // of the first 16 and of the others
    float offset = 0;
};
WeightScales weight_scales(TileFormat format, const FileScales& scales, std::uint32_t index);

// The integer that a code stands for.
inline std::int32_t weight_of(TileFormat format, std::uint8_t code) {
    if (format == TileFormat::iq4_nl) return iq4_nl_weights[code];
    return code - tile_layout(format).zero;
}

}  // namespace cpu

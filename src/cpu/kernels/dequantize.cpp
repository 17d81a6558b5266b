#include "cpu/kernels/dequantize.h"

#include "cpu/kernels/file_block.h"
#include "cpu/kernels/half.h"
#include "worker/base/assert.h"

#include <cstring>

namespace cpu {
namespace {

template <float (*Convert)(std::uint16_t)>
void widen(std::span<const std::byte> blocks, std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, blocks.data() + i * sizeof bits, sizeof bits);
        out[i] = Convert(bits);
    }
}

void dequantize_block(TileFormat format, const std::byte* file_block, std::span<float> out) {
    const FileScales scales = read_scales(format, file_block);
    for (std::uint32_t index = 0; index < out.size() / 32; ++index) {
        const Codes codes = read_codes(format, file_block, index);
        const WeightScales weight = weight_scales(format, scales, index);
        for (std::size_t i = 0; i < codes.size(); ++i)
            out[index * 32 + i] =
                weight.scales[i / 16] * static_cast<float>(weight_of(format, codes[i])) +
                weight.offset;
    }
}

}  // namespace

bool can_dequantize(const worker::GgmlType& type) {
    return tile_format(type).has_value();
}

void dequantize(const worker::GgmlType& type, std::span<const std::byte> blocks,
                std::span<float> out) {
    WORKER_ASSERT(can_dequantize(type));
    WORKER_ASSERT(out.size() % type.block_elements == 0);
    WORKER_ASSERT(blocks.size() == out.size() / type.block_elements * type.block_bytes);
    const TileFormat format = *tile_format(type);
    switch (format) {
        case TileFormat::f32: std::memcpy(out.data(), blocks.data(), blocks.size()); return;
        case TileFormat::f16: widen<float_of_half>(blocks, out); return;
        case TileFormat::bf16: widen<float_of_bfloat>(blocks, out); return;
        default: break;
    }
    for (std::size_t i = 0; i * type.block_elements < out.size(); ++i)
        dequantize_block(format, blocks.data() + i * type.block_bytes,
                         out.subspan(i * type.block_elements, type.block_elements));
}

}  // namespace cpu

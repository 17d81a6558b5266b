#include "cpu/kernels/file_block.h"

#include "cpu/kernels/half.h"

#include <cstdlib>
#include <cstring>

namespace cpu {
namespace {

const std::uint8_t* bytes_of(const std::byte* bytes) {
    return reinterpret_cast<const std::uint8_t*>(bytes);
}

std::uint16_t read_u16(const std::byte* bytes) {
    std::uint16_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

// A byte holds two weights that are 16 apart.
Codes nibbles(const std::byte* packed) {
    const std::uint8_t* const bytes = bytes_of(packed);
    Codes codes;
    for (std::size_t i = 0; i < 16; ++i) {
        codes[i] = bytes[i] & 15U;
        codes[i + 16] = bytes[i] >> 4;
    }
    return codes;
}

Codes nibbles_and_bits(const std::byte* fifth_bits, const std::byte* packed) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, fifth_bits, sizeof bits);
    Codes codes = nibbles(packed);
    for (std::size_t i = 0; i < 32; ++i)
        codes[i] = static_cast<std::uint8_t>(codes[i] | ((bits >> i & 1U) << 4));
    return codes;
}

// Signed bytes, as codes around 128.
Codes signed_bytes(const std::byte* packed) {
    const std::uint8_t* const bytes = bytes_of(packed);
    Codes codes;
    for (std::size_t i = 0; i < 32; ++i) codes[i] = bytes[i] ^ 0x80U;
    return codes;
}

// 32 bytes hold two times 32 weights: the lower nibbles, then the upper.
Codes super_nibbles(const std::byte* packed, std::uint32_t index) {
    const std::uint8_t* const bytes = bytes_of(packed) + std::size_t{index / 2} * 32;
    const unsigned shift = index % 2 * 4;
    Codes codes;
    for (std::size_t i = 0; i < 32; ++i) codes[i] = bytes[i] >> shift & 15U;
    return codes;
}

Codes codes_of_q5_k(const std::byte* block, std::uint32_t index) {
    const std::uint8_t* const bits = bytes_of(block + 16);
    Codes codes = super_nibbles(block + 48, index);
    for (std::size_t i = 0; i < 32; ++i)
        codes[i] = static_cast<std::uint8_t>(codes[i] | ((bits[i] >> index & 1U) << 4));
    return codes;
}

// Each half of 128 weights: 64 bytes of nibbles, whose lower are the first 64 weights; 32 bytes of
// the bits above them, two for each 32 weights.
Codes codes_of_q6_k(const std::byte* block, std::uint32_t index) {
    const std::uint32_t half = index / 4;
    const std::uint32_t quarter = index % 4;
    const std::uint8_t* const low = bytes_of(block) + half * 64 + quarter % 2 * 32;
    const std::uint8_t* const high = bytes_of(block) + 128 + half * 32;
    const unsigned low_shift = quarter / 2 * 4;
    Codes codes;
    for (std::size_t i = 0; i < 32; ++i)
        codes[i] = static_cast<std::uint8_t>((low[i] >> low_shift & 15U) |
                                             ((high[i] >> (2 * quarter) & 3U) << 4));
    return codes;
}

// Eight scales and eight offsets of 6 bits in 12 bytes. Source: get_scale_min_k4.
void read_factors(const std::byte* packed, FileScales& scales) {
    const std::uint8_t* const bytes = bytes_of(packed);
    for (std::size_t i = 0; i < 4; ++i) {
        scales.scale_factors[i] = bytes[i] & 63U;
        scales.offset_factors[i] = bytes[i + 4] & 63U;
        scales.scale_factors[i + 4] =
            static_cast<std::uint8_t>((bytes[i + 8] & 15U) | (bytes[i] >> 6 << 4));
        scales.offset_factors[i + 4] =
            static_cast<std::uint8_t>((bytes[i + 8] >> 4) | (bytes[i + 4] >> 6 << 4));
    }
}

}  // namespace

std::optional<TileFormat> tile_format(const worker::GgmlType& type) {
    switch (type.id) {
        case 0: return TileFormat::f32;
        case 1: return TileFormat::f16;
        case 2: return TileFormat::q4_0;
        case 3: return TileFormat::q4_1;
        case 6: return TileFormat::q5_0;
        case 7: return TileFormat::q5_1;
        case 8: return TileFormat::q8_0;
        case 12: return TileFormat::q4_k;
        case 13: return TileFormat::q5_k;
        case 14: return TileFormat::q6_k;
        case 20: return TileFormat::iq4_nl;
        case 30: return TileFormat::bf16;
        default: return std::nullopt;
    }
}

Codes read_codes(TileFormat format, const std::byte* file_block, std::uint32_t index) {
    switch (format) {
        case TileFormat::q4_0:
        case TileFormat::iq4_nl: return nibbles(file_block + 2);
        case TileFormat::q4_1: return nibbles(file_block + 4);
        case TileFormat::q5_0: return nibbles_and_bits(file_block + 2, file_block + 6);
        case TileFormat::q5_1: return nibbles_and_bits(file_block + 4, file_block + 8);
        case TileFormat::q8_0: return signed_bytes(file_block + 2);
        case TileFormat::q4_k: return super_nibbles(file_block + 16, index);
        case TileFormat::q5_k: return codes_of_q5_k(file_block, index);
        case TileFormat::q6_k: return codes_of_q6_k(file_block, index);
        case TileFormat::f32:
        case TileFormat::f16:
        case TileFormat::bf16: break;
    }
    std::abort();  // Floats have no codes.
}

FileScales read_scales(TileFormat format, const std::byte* file_block) {
    FileScales scales;
    if (format == TileFormat::q6_k) {
        scales.scale = read_u16(file_block + 208);
        std::memcpy(scales.scale_factors.data(), file_block + 192, 16);
        return scales;
    }
    scales.scale = read_u16(file_block);
    const bool super = tile_layout(format).group_blocks > 1;
    if (super || format == TileFormat::q4_1 || format == TileFormat::q5_1)
        scales.offset = read_u16(file_block + 2);
    if (super) read_factors(file_block + 4, scales);
    return scales;
}

WeightScales weight_scales(TileFormat format, const FileScales& scales, std::uint32_t index) {
    const float scale = float_of_half(scales.scale);
    const float offset = float_of_half(scales.offset);
    if (tile_layout(format).group_blocks == 1) return {{scale, scale}, offset};
    if (format == TileFormat::q6_k) {
        const auto factor = [&](std::size_t half) {
            return static_cast<float>(static_cast<std::int8_t>(scales.scale_factors[half]));
        };
        return {{scale * factor(2 * index), scale * factor(2 * index + 1)}, 0};
    }
    const float whole = scale * static_cast<float>(scales.scale_factors[index]);
    return {{whole, whole}, -(offset * static_cast<float>(scales.offset_factors[index]))};
}

}  // namespace cpu

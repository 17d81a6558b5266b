#pragma once

#include <bit>
#include <cstdint>

namespace cpu {

// What the 16 bits of an IEEE half or of a bfloat16 stand for. Not for files that are built for an
// instruction set: these have their own, and a function has one definition only.
inline float float_of_half(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000U) << 16;
    const std::uint32_t magnitude = half & 0x7fffU;
    if (magnitude < 0x0400U)  // zero and subnormals: multiples of 2^-24
        return std::bit_cast<float>(
            sign | std::bit_cast<std::uint32_t>(static_cast<float>(magnitude) * 0x1p-24F));
    const std::uint32_t bias = magnitude < 0x7c00U ? (127U - 15U) << 23 : (255U - 31U) << 23;
    return std::bit_cast<float>(sign | ((magnitude << 13) + bias));
}

inline float float_of_bfloat(std::uint16_t bfloat) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bfloat) << 16);
}

}  // namespace cpu

#pragma once

#include <bit>
#include <cstdint>

namespace worker {

// What the 16 bits of an IEEE half or of a bfloat16 stand for, exactly.
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

// The nearest, of two the even one.
inline std::uint16_t half_of_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits >> 16 & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    std::uint32_t half = 0;
    if (magnitude > 0x7f800000U) {
        half = 0x7e00U;  // not a number
    } else if (magnitude >= 0x477ff000U) {
        half = 0x7c00U;  // 65520 and more: infinity
    } else if (magnitude < 0x38800000U) {
        // Below 2^-14: beside 0.5 a float's last place is 2^-24, as a small half's.
        const float rounded = std::bit_cast<float>(magnitude) + 0.5F;
        half = std::bit_cast<std::uint32_t>(rounded) - std::bit_cast<std::uint32_t>(0.5F);
    } else {
        half = (magnitude - ((127U - 15U) << 23) + 0xfffU + (magnitude >> 13 & 1U)) >> 13;
    }
    return static_cast<std::uint16_t>(sign | half);
}

inline std::uint16_t bfloat_of_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const bool is_number = (bits & 0x7fffffffU) <= 0x7f800000U;
    const std::uint32_t rounded = is_number ? bits + 0x7fffU + (bits >> 16 & 1U) : bits | 0x400000U;
    return static_cast<std::uint16_t>(rounded >> 16);
}

}  // namespace worker

#pragma once

#include "worker/model_file/ggml_type.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

// The types of files that the CPU engine takes.
inline constexpr std::string_view cpu_weight_types[] = {
    "f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q4_k", "q5_k", "iq4_nl", "q6_k"};

// Bytes of a file's weights, whose values are finite and neither tiny nor huge.
class RandomWeights {
public:
    explicit RandomWeights(std::uint32_t seed) : random_(seed) {}

    std::vector<std::byte> of(const worker::GgmlType& type, std::size_t elements) {
        std::vector<std::byte> bytes = blocks(type, elements);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
        return with_floats(type, std::move(bytes));
    }

    // All bytes the same, but for the scales.
    std::vector<std::byte> of_bytes(std::byte byte, const worker::GgmlType& type,
                                    std::size_t elements) {
        std::vector<std::byte> bytes = blocks(type, elements);
        std::fill(bytes.begin(), bytes.end(), byte);
        return with_floats(type, std::move(bytes));
    }

    // From -1 to 1.
    float number() { return std::uniform_real_distribution<float>(-1, 1)(random_); }

private:
    static std::vector<std::byte> blocks(const worker::GgmlType& type, std::size_t elements) {
        return std::vector<std::byte>(elements / type.block_elements * type.block_bytes);
    }

    std::vector<std::byte> with_floats(const worker::GgmlType& type, std::vector<std::byte> bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += type.block_bytes)
            write_floats(type.name, bytes.data() + at);
        return bytes;
    }

    void write_floats(std::string_view type, std::byte* block) {
        if (type == "f32") {
            const float value = number();
            std::memcpy(block, &value, sizeof value);
        } else if (type == "bf16") {
            write(block, 0x80, 7, 118);
        } else {
            write(block + (type == "q6_k" ? 208 : 0), 0x400, 10, 5);
            if (type.ends_with("_1") || type == "q4_k" || type == "q5_k")
                write(block + 2, 0x400, 10, 5);
        }
    }

    // A random sign and fraction, and one of eight exponents.
    void write(std::byte* at, std::uint32_t fractions, unsigned exponent_shift,
               std::uint32_t exponent_min) {
        const auto bits = static_cast<std::uint16_t>(
            (random_() & 1U) << 15 | (exponent_min + random_() % 8) << exponent_shift |
            random_() % fractions);
        std::memcpy(at, &bits, sizeof bits);
    }

    std::mt19937 random_;
};

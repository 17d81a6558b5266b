#pragma once

#include "worker/model_file/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace worker {

// Ids of ggml. Source: enum ggml_type in ggml.h.
inline constexpr std::uint32_t ggml_f32 = 0;
inline constexpr std::uint32_t ggml_f16 = 1;
inline constexpr std::uint32_t ggml_bf16 = 30;

// ggml's id for numbers as they are stored in SafeTensors.
std::uint32_t ggml_type_of(SafeTensorType type);

// `numbers`, stored as `from`, in ggml's type `to`. F32 holds all of them exactly; the others round
// to the nearest. Requires: `to` is one of the three above, and `numbers` are whole.
std::vector<std::byte> convert_numbers(std::span<const std::byte> numbers, SafeTensorType from,
                                       std::uint32_t to);

}  // namespace worker

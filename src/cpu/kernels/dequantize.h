#pragma once

#include "worker/model_file/ggml_type.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace cpu {

// Whether `dequantize` knows the type.
bool can_dequantize(const worker::GgmlType& type);

// Weights of a file as floats. Requires: `can_dequantize`, whole blocks, `out` of their elements.
// Source: block_* and dequantize_row_* in ggml-common.h and ggml-quants.c.
void dequantize(const worker::GgmlType& type, std::span<const std::byte> blocks,
                std::span<float> out);

}  // namespace cpu

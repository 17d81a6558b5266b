#pragma once

#include <cstdint>
#include <string_view>

namespace worker {

// How a tensor's numbers are stored: in blocks along a row.
// Source: enum ggml_type in ggml.h and the block structs in ggml-common.h.
struct GgmlType {
    std::uint32_t id;
    std::string_view name;  // as llama.cpp's options write it, e.g. "q8_0"
    std::uint32_t block_elements;
    std::uint32_t block_bytes;
    // Whether a weight may be stored so. The others are for intermediate values and indices; the
    // library has no product with them and aborts.
    bool holds_weights;
};

// Null where there is none (also for the ids of types that were removed).
const GgmlType* find_ggml_type(std::uint32_t id);
const GgmlType* find_ggml_type(std::string_view name);

// "Q4_K_M" for general.file_type 15; empty for an unknown one. Source: enum llama_ftype in llama.h.
std::string_view file_type_name(std::int64_t file_type);

}  // namespace worker

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace worker {

// A number of rows or columns, as the configuration gives it.
enum class Extent : std::uint8_t {
    none,  // a vector has rows only
    width,
    vocabulary,
    context,
    token_types,
    head_dim,
    queries,  // heads x head_dim
    keys,     // heads_kv x head_dim
    queries_keys_values,
    feed_forward,
    gates_and_ups,  // 2 x feed_forward
};

enum class Bias : std::uint8_t { none, possible, required };

// A weight of a family, in one layer or once. "#" in a name stands for the layer's number.
struct TensorRow {
    std::string_view source;  // in the directory, without ".weight"
    std::string_view target;  // in the GGUF file, without ".weight"
    Extent rows;
    Extent columns = Extent::none;
    Bias bias = Bias::none;
    // Of whose heads the rows change their order.
    Extent rotary = Extent::none;
    bool f32 = false;  // stored so whatever it was
};

// The name in the directory, without any prefix.
inline constexpr std::string_view head_source = "lm_head";

// The weights of one architecture, the embedding first. Empty for an unknown one.
// Source: transformers, modeling_*.py; llama.cpp, gguf-py constants.py `TENSOR_NAMES`, and
// `load_arch_tensors` in models/*.cpp for what must be there.
std::span<const TensorRow> tensor_rows(std::string_view architecture);

}  // namespace worker

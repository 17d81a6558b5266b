#pragma once

#include <filesystem>

namespace llama {

// For tests: models of a few hundred kilobytes with random weights and no vocabulary, 256 tokens
// each. They say nothing that makes sense, but how they remember is real.

inline constexpr unsigned sliding_window = 32;  // tokens

// Attention through a sliding window in all layers but one. Source: gemma3 in llama.cpp.
void write_sliding_window_model(const std::filesystem::path& path);

// A state instead of keys and values. Source: mamba in llama.cpp.
void write_recurrent_model(const std::filesystem::path& path);

}  // namespace llama

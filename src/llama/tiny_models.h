#pragma once

#include <filesystem>

namespace llama {

// For tests: models of a few hundred kilobytes with random weights and no vocabulary, 256 tokens
// each. They say nothing that makes sense, but how they remember is real.

inline constexpr unsigned sliding_window = 32;  // tokens
inline constexpr unsigned tiny_context = 1024;  // tokens, of all of them

// Attention through a sliding window in all layers but one. Source: gemma3 in llama.cpp.
void write_sliding_window_model(const std::filesystem::path& path);

// A state instead of keys and values. Source: mamba in llama.cpp.
void write_recurrent_model(const std::filesystem::path& path);

// Two that turn texts into vectors. `pooling` as libllama numbers it: 0 none, 1 mean, 2 cls, 3
// last, 4 rank. Source: bert and qwen3 in llama.cpp.
void write_encoder_model(const std::filesystem::path& path, unsigned pooling);
void write_pooling_decoder(const std::filesystem::path& path, unsigned pooling);

}  // namespace llama

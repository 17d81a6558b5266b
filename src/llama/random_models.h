#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace llama {

// For tests: small models with random weights, one for each way in which the families that
// `src/cpu` knows differ. What they say makes no sense, but their choices are neither certain nor
// arbitrary, and what they attend to matters.

inline constexpr std::uint32_t random_model_tokens = 500;    // no multiple of a tile
inline constexpr std::uint32_t random_model_context = 1024;  // tokens

std::span<const std::string_view> random_models();

// F32, the same file each time. Requires: `name` is one of these, or "window-1", which is a Mistral
// of one layer, so that nothing beyond `narrow_window` tokens can matter to it.
void write_random_model(std::string_view name, const std::filesystem::path& path);
inline constexpr std::uint32_t narrow_window = 48;

// A copy in a file type of libllama's, as `worker::file_type_name` writes it ("Q4_K_M"); also of
// what is quantised already.
void write_copy(const std::filesystem::path& from, const std::filesystem::path& to,
                std::string_view file_type);

}  // namespace llama

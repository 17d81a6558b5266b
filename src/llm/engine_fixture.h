// For tests: random models on disk, and libllama's engine over them.
#pragma once

#include "llama/text_model.h"
#include "llm/engine_comparison.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

inline constexpr std::uint32_t fixture_context = 512;  // tokens
inline constexpr std::uint32_t fixture_sequences = 32;

// Files of this process's own, written when first asked for and gone at the end.
class ModelFolder {
public:
    ModelFolder();
    ~ModelFolder();
    ModelFolder(const ModelFolder&) = delete;
    ModelFolder& operator=(const ModelFolder&) = delete;

    // One of `llama::random_models`, in a file type of libllama's: "F32", "Q4_K_M".
    std::filesystem::path random(std::string_view model, std::string_view file_type);
    std::filesystem::path copy(const std::filesystem::path& file, std::string_view file_type);

private:
    const std::filesystem::path folder_;
};

// How the reference computes: as libllama does by default, but for flash attention; or as exactly
// as it can, whatever the file holds.
enum class Precision : std::uint8_t { usual, exact };

// libllama's engine for these files, without flash attention. On one thread.
std::unique_ptr<TextModel> open_reference(const std::filesystem::path& file, Precision precision,
                                          std::uint32_t sequences = fixture_sequences);

// What a copy in a file type is made of.
struct FileType {
    const char* name;           // "Q4_K_M"
    const char* matrices;       // as `matrix_types` tells, where rows are whole blocks of 256
    const char* matrices_else;  // where they are not
    bool floats = false;
};
std::span<const FileType> file_types();

// Types of the matrices in a file, each once, in alphabetical order: "q4_k q6_k".
std::string matrix_types(const std::filesystem::path& file);

// Texts for a random model: 2100 tokens, longer than a span of attention.
std::vector<TokenText> random_texts();

}  // namespace llm

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

struct ggml_context;
struct gguf_context;

namespace llama {

// For tests: a GGUF file in the making, of one architecture. Tensors are F32.
class GgufDraft {
public:
    explicit GgufDraft(const std::string& architecture);
    ~GgufDraft();
    GgufDraft(const GgufDraft&) = delete;
    GgufDraft& operator=(const GgufDraft&) = delete;

    // Keys of the architecture, without its name: "block_count".
    void number(const char* name, std::uint32_t value);
    void real(const char* name, float value);
    void text(const char* name, const char* value);

    // A SentencePiece vocabulary of three control tokens, all bytes, and words.
    void vocabulary(std::uint32_t tokens);
    // None; models are then computed by the ids of tokens.
    void no_vocabulary(std::uint32_t tokens);

    // How many kinds of token an encoder tells apart.
    void token_types(std::uint32_t count);

    // `shape` with the fastest dimension first; `element` says a tensor's elements by their number.
    void tensor(const std::string& name, std::initializer_list<std::int64_t> shape,
                const std::function<float(std::int64_t)>& element);

    void write(const std::filesystem::path& path) const;

private:
    std::string key(const char* name) const { return architecture_ + "." + name; }

    const std::string architecture_;
    gguf_context* const file_;
    std::vector<ggml_context*> tensors_;  // one each
};

}  // namespace llama

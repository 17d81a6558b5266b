#include "llama/gguf_draft.h"

#include "worker/base/assert.h"

#include <fmt/format.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>

namespace llama {

namespace {

struct Piece {
    std::string text;
    std::int32_t type;
};

Piece piece(std::uint32_t token) {
    if (token == 0) return {"<unk>", LLAMA_TOKEN_TYPE_UNKNOWN};
    if (token == 1) return {"<s>", LLAMA_TOKEN_TYPE_CONTROL};
    if (token == 2) return {"</s>", LLAMA_TOKEN_TYPE_CONTROL};
    if (token < 259) return {fmt::format("<0x{:02X}>", token - 3), LLAMA_TOKEN_TYPE_BYTE};
    return {fmt::format("\u2581w{}", token - 259), LLAMA_TOKEN_TYPE_NORMAL};
}

}  // namespace

GgufDraft::GgufDraft(const std::string& architecture)
    : architecture_(architecture), file_(gguf_init_empty()) {
    gguf_set_val_str(file_, "general.architecture", architecture.c_str());
}

GgufDraft::~GgufDraft() {
    gguf_free(file_);
    for (ggml_context* tensor : tensors_) ggml_free(tensor);
}

void GgufDraft::number(const char* name, std::uint32_t value) {
    gguf_set_val_u32(file_, key(name).c_str(), value);
}

void GgufDraft::real(const char* name, float value) {
    gguf_set_val_f32(file_, key(name).c_str(), value);
}

void GgufDraft::text(const char* name, const char* value) {
    gguf_set_val_str(file_, key(name).c_str(), value);
}

void GgufDraft::vocabulary(std::uint32_t tokens) {
    std::vector<Piece> pieces;
    std::vector<const char*> texts;
    std::vector<float> scores;
    std::vector<std::int32_t> types;
    for (std::uint32_t i = 0; i < tokens; ++i) pieces.push_back(piece(i));
    for (const Piece& each : pieces) {
        texts.push_back(each.text.c_str());
        scores.push_back(-static_cast<float>(scores.size()));
        types.push_back(each.type);
    }
    gguf_set_val_str(file_, "tokenizer.ggml.model", "llama");
    gguf_set_arr_str(file_, "tokenizer.ggml.tokens", texts.data(), tokens);
    gguf_set_arr_data(file_, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), tokens);
    gguf_set_arr_data(file_, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), tokens);
    gguf_set_val_u32(file_, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_val_u32(file_, "tokenizer.ggml.eos_token_id", 2);
}

void GgufDraft::no_vocabulary(std::uint32_t tokens) {
    gguf_set_val_str(file_, "tokenizer.ggml.model", "no_vocab");
    number("vocab_size", tokens);
}

void GgufDraft::token_types(std::uint32_t count) {
    gguf_set_val_u32(file_, "tokenizer.ggml.token_type_count", count);
}

void GgufDraft::tensor(const std::string& name, std::initializer_list<std::int64_t> shape,
                       const std::function<float(std::int64_t)>& element) {
    std::size_t bytes = sizeof(float);
    for (const std::int64_t length : shape) bytes *= static_cast<std::size_t>(length);
    ggml_context* memory = ggml_init({.mem_size = bytes + ggml_tensor_overhead() + 1024,
                                      .mem_buffer = nullptr,
                                      .no_alloc = false});
    tensors_.push_back(memory);
    ggml_tensor* tensor =
        ggml_new_tensor(memory, GGML_TYPE_F32, static_cast<int>(shape.size()), shape.begin());
    ggml_set_name(tensor, name.c_str());
    auto* elements = static_cast<float*>(tensor->data);
    for (std::int64_t i = 0; i < ggml_nelements(tensor); ++i) elements[i] = element(i);
    gguf_add_tensor(file_, tensor);
}

void GgufDraft::write(const std::filesystem::path& path) const {
    WORKER_ASSERT(gguf_write_to_file(file_, path.c_str(), false));
}

}  // namespace llama

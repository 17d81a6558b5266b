#pragma once

#include "worker/model_file/ggml_type.h"
#include "worker/model_file/gguf.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker {

// Builds the bytes of a GGUF file, true or lying. Source: the GGUF specification (ggml,
// docs/gguf.md).
class GgufWriter {
public:
    struct Tensor {
        std::string name;
        std::vector<std::uint64_t> shape;
        std::uint32_t type = 0;                              // f32
        std::optional<std::uint64_t> offset = std::nullopt;  // else right after the one before
        std::string data = {};                               // else zeros
    };

    // The little-endian bytes of a number.
    template <class Number>
    static std::string number(Number value) {
        std::uint64_t bits = 0;
        if constexpr (std::is_same_v<Number, float>)
            bits = std::bit_cast<std::uint32_t>(value);
        else
            bits = static_cast<std::uint64_t>(value);
        std::string bytes;
        for (std::size_t i = 0; i < sizeof(Number); ++i)
            bytes += static_cast<char>(bits >> 8 * i & 0xff);
        return bytes;
    }
    static std::string text(std::string_view value) {
        return number<std::uint64_t>(value.size()) + std::string(value);
    }

    // Setting a key again replaces its value.
    GgufWriter& u16(const std::string& key, std::uint16_t value) {
        return raw(key, GgufType::u16, number(value));
    }
    GgufWriter& u32(const std::string& key, std::uint32_t value) {
        return raw(key, GgufType::u32, number(value));
    }
    GgufWriter& u64(const std::string& key, std::uint64_t value) {
        return raw(key, GgufType::u64, number(value));
    }
    GgufWriter& i32(const std::string& key, std::int32_t value) {
        return raw(key, GgufType::i32, number(value));
    }
    GgufWriter& f32(const std::string& key, float value) {
        return raw(key, GgufType::f32, number(value));
    }
    GgufWriter& boolean(const std::string& key, std::uint8_t value) {
        return raw(key, GgufType::boolean, number(value));
    }
    GgufWriter& string(const std::string& key, std::string_view value) {
        return raw(key, GgufType::string, text(value));
    }
    GgufWriter& strings(const std::string& key, const std::vector<std::string>& values) {
        std::string elements;
        for (const std::string& value : values) elements += text(value);
        return array(key, GgufType::string, values.size(), elements);
    }
    template <class Number>
    GgufWriter& numbers(const std::string& key, GgufType type, const std::vector<Number>& values) {
        std::string elements;
        for (const Number value : values) elements += number(value);
        return array(key, type, values.size(), elements);
    }
    GgufWriter& array(const std::string& key, GgufType type, std::uint64_t count,
                      const std::string& elements) {
        return raw(key, GgufType::array,
                   number(static_cast<std::uint32_t>(type)) + number(count) + elements);
    }
    GgufWriter& raw(const std::string& key, GgufType type, const std::string& value) {
        without(key);
        return again(key, type, value);
    }
    // As `raw`, even when the key is there already.
    GgufWriter& again(const std::string& key, GgufType type, const std::string& value) {
        keys_.emplace_back(key, text(key) + number(static_cast<std::uint32_t>(type)) + value);
        return *this;
    }
    GgufWriter& without(std::string_view key) {
        std::erase_if(keys_, [&](const auto& entry) { return entry.first == key; });
        return *this;
    }

    GgufWriter& tensor(Tensor tensor) {
        tensors_.push_back(std::move(tensor));
        return *this;
    }
    GgufWriter& without_tensor(std::string_view name) {
        std::erase_if(tensors_, [&](const Tensor& tensor) { return tensor.name == name; });
        return *this;
    }
    GgufWriter& without_tensors() {
        tensors_.clear();
        return *this;
    }

    // What the header says of itself, true or not.
    GgufWriter& magic(std::string value) {
        magic_ = std::move(value);
        return *this;
    }
    GgufWriter& version(std::uint32_t value) {
        version_ = value;
        return *this;
    }
    GgufWriter& key_count(std::uint64_t value) {
        key_count_ = value;
        return *this;
    }
    GgufWriter& tensor_count(std::uint64_t value) {
        tensor_count_ = value;
        return *this;
    }
    // Where the data is put; the key general.alignment is set apart.
    GgufWriter& alignment(std::uint64_t value) {
        alignment_ = value;
        return *this;
    }

    // The file: header, then the tensors' data.
    std::string bytes() const {
        std::string file = magic_ + number(version_) +
                           number(tensor_count_.value_or(tensors_.size())) +
                           number(key_count_.value_or(keys_.size()));
        for (const auto& [key, entry] : keys_) file += entry;
        std::uint64_t data_bytes = 0;
        for (const Tensor& tensor : tensors_) {
            file += text(tensor.name) + number(static_cast<std::uint32_t>(tensor.shape.size()));
            for (const std::uint64_t length : tensor.shape) file += number(length);
            file += number(tensor.type) + number(tensor.offset.value_or(data_bytes));
            data_bytes = aligned(data_bytes + data_size(tensor));
        }
        const std::size_t data_begin = aligned(file.size());
        file.resize(data_begin + data_bytes, '\0');
        std::uint64_t place = 0;
        for (const Tensor& tensor : tensors_) {
            if (!tensor.offset) file.replace(data_begin + place, tensor.data.size(), tensor.data);
            place += aligned(data_size(tensor));
        }
        return file;
    }

    void write_to(const std::filesystem::path& path) const {
        std::ofstream(path, std::ios::binary) << bytes();
    }

private:
    std::uint64_t aligned(std::uint64_t size) const {
        return (size + alignment_ - 1) / alignment_ * alignment_;
    }

    // bytes; 0 for what no file could hold.
    static std::uint64_t data_size(const Tensor& tensor) {
        constexpr std::uint64_t bytes_max = 1u << 24;
        const GgmlType* type = find_ggml_type(tensor.type);
        if (!type) return 0;
        std::uint64_t elements = 1;
        for (const std::uint64_t length : tensor.shape) {
            if (length > bytes_max || elements > bytes_max) return 0;
            elements *= length;
        }
        return elements > bytes_max ? 0 : elements / type->block_elements * type->block_bytes;
    }

    std::string magic_ = "GGUF";
    std::uint32_t version_ = 3;
    std::optional<std::uint64_t> key_count_;
    std::optional<std::uint64_t> tensor_count_;
    std::uint64_t alignment_ = 32;
    std::vector<std::pair<std::string, std::string>> keys_;  // name, the whole entry
    std::vector<Tensor> tensors_;
};

// A complete header of a model of two layers, 64 wide, with 16 tokens.
inline GgufWriter tiny_model() {
    GgufWriter writer;
    writer.string("general.architecture", "llama").string("general.name", "tiny");
    writer.u32("general.file_type", 7);
    writer.u32("llama.context_length", 256).u32("llama.embedding_length", 64);
    writer.u32("llama.block_count", 2).u32("llama.feed_forward_length", 128);
    writer.u32("llama.attention.head_count", 4).u32("llama.attention.head_count_kv", 2);
    writer.f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    std::vector<std::string> tokens;
    for (int i = 0; i < 16; ++i) tokens.push_back("token" + std::to_string(i));
    writer.string("tokenizer.ggml.model", "gpt2").strings("tokenizer.ggml.tokens", tokens);
    writer.numbers("tokenizer.ggml.token_type", GgufType::i32, std::vector<std::int32_t>(16, 1));
    writer.u32("tokenizer.ggml.bos_token_id", 1).u32("tokenizer.ggml.eos_token_id", 2);
    writer.string("tokenizer.chat_template", "{{ messages }}");
    writer.tensor({"token_embd.weight", {64, 16}, 8}).tensor({"output_norm.weight", {64}});
    return writer;
}

}  // namespace worker

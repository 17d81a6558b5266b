#pragma once

#include "tests/support/gguf_writer.h"
#include "tests/support/random_weights.h"
#include "worker/model_file/byte_source.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker {

// The native engine's families.
inline constexpr std::string_view whole_model_families[] = {"llama", "qwen2", "qwen3", "phi3",
                                                            "phi2"};

// What every `whole_model` is: two layers, 64 wide, with two heads of 32 numbers.
struct WholeModelSizes {
    static constexpr std::uint32_t layers = 2;
    static constexpr std::uint32_t width = 64;
    static constexpr std::uint32_t heads = 2;
    static constexpr std::uint32_t heads_kv = 1;
    static constexpr std::uint32_t head_dim = 32;
    static constexpr std::uint32_t feed_forward = 96;
    static constexpr std::uint32_t vocabulary = 50;  // not whole tiles
    static constexpr std::uint32_t context = 128;
};

// Writes the tensors that a family has.
class WholeModelTensors {
public:
    WholeModelTensors(GgufWriter& writer, std::string_view family, const GgmlType& matrix_type)
        : writer_(writer), family_(family), matrix_type_(matrix_type) {}

    void write() {
        matrix("token_embd", Is::width, Is::vocabulary);
        for (std::uint32_t layer = 0; layer < Is::layers; ++layer) write_layer(layer);
        norm("output_norm", Is::width);
        matrix("output", Is::width, Is::vocabulary);
        if (family_ == "phi2") vector("output.bias", Is::vocabulary);
        if (family_ != "phi3") return;
        vector("rope_factors_short.weight", Is::head_dim / 2);
        vector("rope_factors_long.weight", Is::head_dim / 2);
    }

private:
    using Is = WholeModelSizes;

    void write_layer(std::uint32_t layer) {
        const std::string name = "blk." + std::to_string(layer) + ".";
        const std::uint32_t queries = Is::heads * Is::head_dim;
        const std::uint32_t keys = Is::heads_kv * Is::head_dim;
        norm(name + "attn_norm", Is::width);
        if (family_ == "phi3") {
            matrix(name + "attn_qkv", Is::width, queries + 2 * keys);
        } else {
            const bool biased = family_ == "qwen2" || family_ == "phi2";
            const std::pair<const char*, std::uint32_t> heads[] = {
                {"attn_q", queries}, {"attn_k", keys}, {"attn_v", keys}};
            for (const auto& [part, columns] : heads) {
                matrix(name + part, Is::width, columns);
                if (biased) vector(name + part + ".bias", columns);
            }
        }
        if (family_ == "qwen3")
            for (const char* part : {"attn_q_norm", "attn_k_norm"}) norm(name + part, Is::head_dim);
        matrix(name + "attn_output", queries, Is::width);
        write_feed_forward(name);
    }

    void write_feed_forward(const std::string& name) {
        if (family_ == "phi2") {
            for (const char* part : {"attn_output.bias", "ffn_down.bias"})
                vector(name + part, Is::width);
            vector(name + "ffn_up.bias", Is::feed_forward);
        } else {
            norm(name + "ffn_norm", Is::width);
        }
        const bool fused = family_ == "phi3";
        if (family_ != "phi2" && !fused) matrix(name + "ffn_gate", Is::width, Is::feed_forward);
        matrix(name + "ffn_up", Is::width, (fused ? 2 : 1) * Is::feed_forward);
        matrix(name + "ffn_down", Is::feed_forward, Is::width);
    }

    void norm(const std::string& name, std::uint32_t count) {
        vector(name + ".weight", count);
        if (family_ == "phi2") vector(name + ".bias", count);
    }

    void vector(const std::string& name, std::uint32_t count) {
        add(name, {count}, *find_ggml_type("f32"));
    }
    void matrix(const std::string& name, std::uint32_t depth, std::uint32_t columns) {
        add(name + ".weight", {depth, columns}, matrix_type_);
    }

    void add(const std::string& name, std::vector<std::uint64_t> shape, const GgmlType& type) {
        std::uint64_t elements = 1;
        for (const std::uint64_t length : shape) elements *= length;
        const std::vector<std::byte> bytes = random_.of(type, elements);
        writer_.tensor({.name = name,
                        .shape = std::move(shape),
                        .type = type.id,
                        .data = {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
    }

    GgufWriter& writer_;
    const std::string_view family_;
    const GgmlType& matrix_type_;
    RandomWeights random_{1};
};

// A model with all its tensors, of random numbers: all that computing needs, and no vocabulary.
inline GgufWriter whole_model(std::string_view family = "llama",
                              std::string_view matrix_type = "f32") {
    using Is = WholeModelSizes;
    GgufWriter writer;
    const std::string prefix = std::string(family) + ".";
    writer.string("general.architecture", family);
    writer.u32(prefix + "block_count", Is::layers).u32(prefix + "embedding_length", Is::width);
    writer.u32(prefix + "context_length", Is::context);
    writer.u32(prefix + "feed_forward_length", Is::feed_forward);
    writer.u32(prefix + "attention.head_count", Is::heads);
    writer.u32(prefix + "attention.head_count_kv", Is::heads_kv);
    writer.f32(prefix + (family == "phi2" ? "attention.layer_norm_epsilon"
                                          : "attention.layer_norm_rms_epsilon"),
               1e-5f);
    WholeModelTensors(writer, family, *find_ggml_type(matrix_type)).write();
    return writer;
}

// Bytes of its own, as a file.
class OwnedSource final : public ByteSource {
public:
    explicit OwnedSource(std::string bytes)
        : bytes_(std::move(bytes)), source_("m.gguf", std::as_bytes(std::span(bytes_))) {}

    const std::string& name() const override { return source_.name(); }
    std::uint64_t size() const override { return source_.size(); }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> target) const override {
        return source_.read_at(offset, target);
    }

private:
    const std::string bytes_;
    const MemorySource source_;
};

// As the readers take one file.
inline std::vector<std::unique_ptr<ByteSource>> one_source(const GgufWriter& writer) {
    std::vector<std::unique_ptr<ByteSource>> sources;
    sources.push_back(std::make_unique<OwnedSource>(writer.bytes()));
    return sources;
}

}  // namespace worker

#pragma once

#include "worker/base/json.h"
#include "worker/hugging_face/model_directory.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

namespace worker {

// Tiny models of all families as Hugging Face ships them, in memory: two layers, four heads of
// sixteen, a vocabulary of tiny_vocabulary tokens.
inline constexpr std::array<std::string_view, 7> directory_families{
    "llama", "mistral", "qwen2", "qwen3", "phi3", "phi2", "bert"};
inline constexpr std::uint32_t tiny_vocabulary = 300;

inline boost::json::object json_object(std::string_view text) {
    auto value = parse_json(text);
    if (!value) std::abort();
    return std::move(value->as_object());
}

// GPT-2's kind, with Qwen 2's pattern.
inline boost::json::object byte_level_tokenizer() {
    boost::json::object tokenizer = json_object(R"json({
        "added_tokens": [
            {"id": 8, "content": "<|endoftext|>", "special": true},
            {"id": 9, "content": "<|im_end|>", "special": true},
            {"id": 10, "content": "<think>", "special": false}],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
        "post_processor": {"type": "ByteLevel"},
        "model": {"type": "BPE", "byte_fallback": false, "ignore_merges": false,
            "continuing_subword_prefix": "", "end_of_word_suffix": "",
            "vocab": {"a": 0, "b": 1, "c": 2, "Ġ": 3, "ab": 4, "Ġab": 5, "Ċ": 6},
            "merges": ["a b", "Ġ ab"]}})json");
    boost::json::array& steps = tokenizer["pre_tokenizer"].as_object()["pretokenizers"].as_array();
    steps.front().as_object()["pattern"] = {
        {"Regex", R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
                  R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}};
    return tokenizer;
}

// Llama 2's kind: three special tokens, the bytes, then what merges make.
inline boost::json::object sentence_piece_tokenizer() {
    boost::json::object tokenizer = json_object(R"json({
        "added_tokens": [
            {"id": 0, "content": "<unk>", "special": true},
            {"id": 1, "content": "<s>", "special": true},
            {"id": 2, "content": "</s>", "special": true}],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": null,
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]},
        "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
            "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "▁": 259, "a": 260, "b": 261, "ab": 262,
                      "▁a": 263, "▁ab": 264},
            "merges": [["a", "b"], ["▁", "a"], ["▁a", "b"], ["▁", "ab"]]}})json");
    constexpr std::string_view digits = "0123456789ABCDEF";
    boost::json::object& vocabulary = tokenizer["model"].as_object()["vocab"].as_object();
    for (unsigned byte = 0; byte < 256; ++byte) {
        const std::string text{'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
        vocabulary[text] = 3 + byte;
    }
    return tokenizer;
}

// BERT's kind.
inline boost::json::object word_piece_tokenizer() {
    return json_object(R"json({
        "added_tokens": [
            {"id": 0, "content": "[PAD]", "special": true},
            {"id": 1, "content": "[UNK]", "special": true},
            {"id": 2, "content": "[CLS]", "special": true},
            {"id": 3, "content": "[SEP]", "special": true},
            {"id": 4, "content": "[MASK]", "special": true, "lstrip": true}],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]"}}, {"Sequence": {"id": "A"}},
                       {"SpecialToken": {"id": "[SEP]"}}]},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "a": 5, "b": 6,
                      "##b": 7, "ab": 8}}})json");
}

inline boost::json::object tiny_config(std::string_view family) {
    boost::json::object config = json_object(R"json({
        "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
        "vocab_size": 300, "rms_norm_eps": 1e-5, "hidden_act": "silu", "rope_theta": 500000.0,
        "tie_word_embeddings": false})json");
    const std::pair<std::string_view, std::string_view> others[] = {
        {"llama", R"({"architectures": ["LlamaForCausalLM"]})"},
        {"mistral", R"({"architectures": ["MistralForCausalLM"], "sliding_window": 128})"},
        {"qwen2", R"({"architectures": ["Qwen2ForCausalLM"], "sliding_window": 128,
                      "use_sliding_window": false})"},
        {"qwen3", R"({"architectures": ["Qwen3ForCausalLM"], "head_dim": 32})"},
        {"phi3", R"({"architectures": ["Phi3ForCausalLM"], "sliding_window": 127})"},
        {"phi2", R"({"architectures": ["PhiForCausalLM"], "hidden_act": "gelu_new",
                     "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.5})"},
        {"bert", R"({"architectures": ["BertModel"], "hidden_act": "gelu",
                     "layer_norm_eps": 1e-12, "num_key_value_heads": null,
                     "type_vocab_size": 2})"}};
    for (const auto& [name, fields] : others)
        if (name == family)
            for (const auto& [key, value] : json_object(fields)) config[key] = value;
    return config;
}

// A weight, in each of the two layers where the name has a "#".
inline void add_weight(ModelDirectory& directory, std::string_view name,
                       std::vector<std::uint64_t> shape) {
    const std::size_t mark = name.find('#');
    for (int layer = 0; layer < (mark == std::string_view::npos ? 1 : 2); ++layer) {
        std::string full(name);
        if (mark != std::string_view::npos) full.replace(mark, 1, std::to_string(layer));
        std::uint64_t bytes = 2;
        for (const std::uint64_t extent : shape) bytes *= extent;
        directory.tensors[full] = {0, {full, SafeTensorType::bf16, shape, 0, bytes}};
    }
}

// With its bias.
inline void add_biased(ModelDirectory& directory, const std::string& name,
                       const std::vector<std::uint64_t>& shape) {
    add_weight(directory, name + ".weight", shape);
    add_weight(directory, name + ".bias", {shape.front()});
}

inline void add_decoder_weights(ModelDirectory& directory, std::string_view family) {
    const std::string layer = "model.layers.#.";
    add_weight(directory, "model.embed_tokens.weight", {tiny_vocabulary, 64});
    if (family == "phi2") {
        add_biased(directory, "lm_head", {tiny_vocabulary, 64});
        add_biased(directory, "model.final_layernorm", {64});
        add_biased(directory, layer + "input_layernorm", {64});
        add_biased(directory, layer + "self_attn.q_proj", {64, 64});
        add_biased(directory, layer + "self_attn.k_proj", {32, 64});
        add_biased(directory, layer + "self_attn.v_proj", {32, 64});
        add_biased(directory, layer + "self_attn.dense", {64, 64});
        add_biased(directory, layer + "mlp.fc1", {96, 64});
        add_biased(directory, layer + "mlp.fc2", {64, 96});
        return;
    }
    const std::uint64_t head = family == "qwen3" ? 32 : 16;
    add_weight(directory, "lm_head.weight", {tiny_vocabulary, 64});
    add_weight(directory, "model.norm.weight", {64});
    add_weight(directory, layer + "input_layernorm.weight", {64});
    add_weight(directory, layer + "post_attention_layernorm.weight", {64});
    add_weight(directory, layer + "self_attn.o_proj.weight", {64, 4 * head});
    add_weight(directory, layer + "mlp.down_proj.weight", {64, 96});
    if (family == "phi3") {
        add_weight(directory, layer + "self_attn.qkv_proj.weight", {128, 64});
        add_weight(directory, layer + "mlp.gate_up_proj.weight", {192, 64});
        return;
    }
    const std::pair<const char*, std::uint64_t> projections[] = {{"self_attn.q_proj", 4 * head},
                                                                 {"self_attn.k_proj", 2 * head},
                                                                 {"self_attn.v_proj", 2 * head}};
    for (const auto& [name, rows] : projections) {
        add_weight(directory, layer + name + ".weight", {rows, 64});
        if (family == "qwen2") add_weight(directory, layer + name + ".bias", {rows});
    }
    if (family == "qwen3")
        for (const char* name : {"self_attn.q_norm.weight", "self_attn.k_norm.weight"})
            add_weight(directory, layer + name, {head});
    add_weight(directory, layer + "mlp.gate_proj.weight", {96, 64});
    add_weight(directory, layer + "mlp.up_proj.weight", {96, 64});
}

inline void add_encoder_weights(ModelDirectory& directory) {
    const std::string layer = "encoder.layer.#.";
    add_weight(directory, "embeddings.word_embeddings.weight", {tiny_vocabulary, 64});
    add_weight(directory, "embeddings.token_type_embeddings.weight", {2, 64});
    add_weight(directory, "embeddings.position_embeddings.weight", {256, 64});
    add_biased(directory, "embeddings.LayerNorm", {64});
    for (const char* name : {"query", "key", "value"})
        add_biased(directory, layer + "attention.self." + name, {64, 64});
    add_biased(directory, layer + "attention.output.dense", {64, 64});
    add_biased(directory, layer + "attention.output.LayerNorm", {64});
    add_biased(directory, layer + "intermediate.dense", {96, 64});
    add_biased(directory, layer + "output.dense", {64, 96});
    add_biased(directory, layer + "output.LayerNorm", {64});
    add_biased(directory, "pooler.dense", {64, 64});
}

inline ModelDirectory tiny_directory(std::string_view family) {
    ModelDirectory directory;
    directory.path = "models/tiny";
    directory.shards = {"models/tiny/model.safetensors"};
    directory.config = tiny_config(family);
    if (family == "bert") {
        directory.tokenizer = word_piece_tokenizer();
        directory.tokenizer_config = json_object(
            R"({"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]",
                "sep_token": "[SEP]", "mask_token": "[MASK]"})");
        directory.sentence_transformer = SentenceTransformer{.pooling = Pooling::mean};
        add_encoder_weights(directory);
        return directory;
    }
    const bool pieces = family == "llama" || family == "mistral" || family == "phi3";
    directory.tokenizer = pieces ? sentence_piece_tokenizer() : byte_level_tokenizer();
    directory.tokenizer_config =
        json_object(pieces ? R"({"bos_token": "<s>", "eos_token": {"content": "</s>"},
                                 "tokenizer_class": "LlamaTokenizer", "add_bos_token": true})"
                           : R"({"bos_token": null, "eos_token": "<|im_end|>",
                                 "pad_token": "<|endoftext|>"})");
    add_decoder_weights(directory, family);
    return directory;
}

}  // namespace worker

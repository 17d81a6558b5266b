#include "worker/hugging_face/tensor_table.h"

#include <algorithm>
#include <array>
#include <utility>

namespace worker {
namespace {

using enum Extent;
constexpr Bias may = Bias::possible;
constexpr Bias must = Bias::required;
constexpr Bias no = Bias::none;
constexpr bool f32 = true;

// clang-format off
constexpr std::array llama{
    TensorRow{"embed_tokens",                      "token_embd",  vocabulary,   width},
    TensorRow{"norm",                              "output_norm", width},
    TensorRow{head_source,                         "output",      vocabulary,   width},
    TensorRow{"layers.#.input_layernorm",          "attn_norm",   width},
    TensorRow{"layers.#.self_attn.q_proj",         "attn_q",      queries,     width, may, queries},
    TensorRow{"layers.#.self_attn.k_proj",         "attn_k",      keys,         width, may, keys},
    TensorRow{"layers.#.self_attn.v_proj",         "attn_v",      keys,         width, may},
    TensorRow{"layers.#.self_attn.o_proj",         "attn_output", width,        queries, may},
    TensorRow{"layers.#.post_attention_layernorm", "ffn_norm",    width},
    TensorRow{"layers.#.mlp.gate_proj",            "ffn_gate",    feed_forward, width, may},
    TensorRow{"layers.#.mlp.up_proj",              "ffn_up",      feed_forward, width, may},
    TensorRow{"layers.#.mlp.down_proj",            "ffn_down",    width,        feed_forward, may},
};

constexpr std::array qwen2{
    TensorRow{"embed_tokens",                      "token_embd",  vocabulary,   width},
    TensorRow{"norm",                              "output_norm", width},
    TensorRow{head_source,                         "output",      vocabulary,   width},
    TensorRow{"layers.#.input_layernorm",          "attn_norm",   width},
    TensorRow{"layers.#.self_attn.q_proj",         "attn_q",      queries,      width, may},
    TensorRow{"layers.#.self_attn.k_proj",         "attn_k",      keys,         width, may},
    TensorRow{"layers.#.self_attn.v_proj",         "attn_v",      keys,         width, may},
    TensorRow{"layers.#.self_attn.o_proj",         "attn_output", width,        queries},
    TensorRow{"layers.#.post_attention_layernorm", "ffn_norm",    width},
    TensorRow{"layers.#.mlp.gate_proj",            "ffn_gate",    feed_forward, width},
    TensorRow{"layers.#.mlp.up_proj",              "ffn_up",      feed_forward, width},
    TensorRow{"layers.#.mlp.down_proj",            "ffn_down",    width,        feed_forward},
};

constexpr std::array qwen3{
    TensorRow{"embed_tokens",                      "token_embd",  vocabulary,   width},
    TensorRow{"norm",                              "output_norm", width},
    TensorRow{head_source,                         "output",      vocabulary,   width},
    TensorRow{"layers.#.input_layernorm",          "attn_norm",   width},
    TensorRow{"layers.#.self_attn.q_proj",         "attn_q",      queries,      width, may},
    TensorRow{"layers.#.self_attn.k_proj",         "attn_k",      keys,         width, may},
    TensorRow{"layers.#.self_attn.v_proj",         "attn_v",      keys,         width, may},
    TensorRow{"layers.#.self_attn.q_norm",         "attn_q_norm", head_dim},
    TensorRow{"layers.#.self_attn.k_norm",         "attn_k_norm", head_dim},
    TensorRow{"layers.#.self_attn.o_proj",         "attn_output", width,        queries},
    TensorRow{"layers.#.post_attention_layernorm", "ffn_norm",    width},
    TensorRow{"layers.#.mlp.gate_proj",            "ffn_gate",    feed_forward, width},
    TensorRow{"layers.#.mlp.up_proj",              "ffn_up",      feed_forward, width},
    TensorRow{"layers.#.mlp.down_proj",            "ffn_down",    width,        feed_forward},
};

// Both sides put queries before keys before values, and gates before ups.
constexpr std::array phi3{
    TensorRow{"embed_tokens",                      "token_embd",  vocabulary,   width},
    TensorRow{"norm",                              "output_norm", width},
    TensorRow{head_source,                         "output",      vocabulary,   width},
    TensorRow{"layers.#.input_layernorm",          "attn_norm",   width},
    TensorRow{"layers.#.self_attn.qkv_proj",       "attn_qkv",    queries_keys_values, width},
    TensorRow{"layers.#.self_attn.o_proj",         "attn_output", width,        queries},
    TensorRow{"layers.#.post_attention_layernorm", "ffn_norm",    width},
    TensorRow{"layers.#.mlp.gate_up_proj",         "ffn_up",      gates_and_ups, width},
    TensorRow{"layers.#.mlp.down_proj",            "ffn_down",    width,        feed_forward},
};

constexpr std::array phi2{
    TensorRow{"embed_tokens",                      "token_embd",  vocabulary,   width},
    TensorRow{"final_layernorm",                   "output_norm", width,        none,         must},
    TensorRow{head_source,                         "output",      vocabulary,   width,        must},
    TensorRow{"layers.#.input_layernorm",          "attn_norm",   width,        none,         must},
    TensorRow{"layers.#.self_attn.q_proj",         "attn_q",      queries,      width,        must},
    TensorRow{"layers.#.self_attn.k_proj",         "attn_k",      keys,         width,        must},
    TensorRow{"layers.#.self_attn.v_proj",         "attn_v",      keys,         width,        must},
    TensorRow{"layers.#.self_attn.dense",          "attn_output", width,        queries,      must},
    TensorRow{"layers.#.mlp.fc1",                  "ffn_up",      feed_forward, width,        must},
    TensorRow{"layers.#.mlp.fc2",                  "ffn_down",    width,        feed_forward, must},
};

constexpr std::array bert{
    TensorRow{"embeddings.word_embeddings",       "token_embd",    vocabulary,  width},
    TensorRow{"embeddings.token_type_embeddings", "token_types", token_types, width, no, none, f32},
    TensorRow{"embeddings.position_embeddings",   "position_embd", context,   width, no, none, f32},
    TensorRow{"embeddings.LayerNorm",             "token_embd_norm",   width, none,         must},
    TensorRow{"encoder.layer.#.attention.self.query", "attn_q",          queries, width,      must},
    TensorRow{"encoder.layer.#.attention.self.key",   "attn_k",          keys, width,         must},
    TensorRow{"encoder.layer.#.attention.self.value", "attn_v",          keys, width,         must},
    TensorRow{"encoder.layer.#.attention.output.dense", "attn_output",   width, queries,      must},
    TensorRow{"encoder.layer.#.attention.output.LayerNorm", "attn_output_norm", width, none,  must},
    TensorRow{"encoder.layer.#.intermediate.dense", "ffn_up",            feed_forward, width, must},
    TensorRow{"encoder.layer.#.output.dense",       "ffn_down",          width, feed_forward, must},
    TensorRow{"encoder.layer.#.output.LayerNorm",   "layer_output_norm", width, none,         must},
};
// clang-format on

}  // namespace

std::span<const TensorRow> tensor_rows(std::string_view architecture) {
    const std::pair<std::string_view, std::span<const TensorRow>> tables[] = {
        {"llama", llama}, {"qwen2", qwen2}, {"qwen3", qwen3},
        {"phi3", phi3},   {"phi2", phi2},   {"bert", bert}};
    for (const auto& [name, rows] : tables)
        if (name == architecture) return rows;
    return {};
}

}  // namespace worker

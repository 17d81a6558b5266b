#include "llama/tiny_models.h"

#include "llama/gguf_draft.h"

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>

namespace llama {

namespace {

constexpr std::int64_t tokens = 256;
constexpr std::int64_t width = 64;

class Draft : public GgufDraft {
public:
    Draft(const std::string& architecture, unsigned layers) : GgufDraft(architecture) {
        no_vocabulary(tokens);
        number("context_length", tiny_context);
        number("embedding_length", width);
        number("block_count", layers);
        random("token_embd.weight", {width, tokens});
    }

    // What comes behind the last layer, in all but encoders.
    void output_norm() {
        real("attention.layer_norm_rms_epsilon", 1e-5F);
        constant("output_norm.weight", width, 1);
    }

    // Weight and bias.
    void layer_norm(const std::string& name) {
        constant(name + ".weight", width, 1);
        constant(name + ".bias", width, 0.1F);
    }

    void random(const std::string& name, std::initializer_list<std::int64_t> shape) {
        tensor(name, shape, [this](std::int64_t) {
            return static_cast<float>(static_cast<double>(generator_()) / 0x1p32 - 0.5) / 2;
        });
    }
    void constant(const std::string& name, std::int64_t size, float value) {
        tensor(name, {size}, [value](std::int64_t) { return value; });
    }

private:
    std::mt19937 generator_{1};
};

std::string block(unsigned layer, const char* name) {
    return "blk." + std::to_string(layer) + "." + name;
}

}  // namespace

void write_sliding_window_model(const std::filesystem::path& path) {
    constexpr unsigned layers = 6;  // The sixth is the one without a window.
    constexpr std::int64_t head = 32;
    constexpr std::int64_t inner = 128;
    Draft draft("gemma3", layers);
    draft.output_norm();
    draft.number("feed_forward_length", inner);
    draft.number("attention.head_count", 2);
    draft.number("attention.head_count_kv", 1);
    draft.number("attention.key_length", head);
    draft.number("attention.value_length", head);
    draft.number("attention.sliding_window", sliding_window);
    for (unsigned i = 0; i < layers; ++i) {
        for (const char* name : {"attn_norm.weight", "post_attention_norm.weight",
                                 "ffn_norm.weight", "post_ffw_norm.weight"}) {
            draft.constant(block(i, name), width, 1);
        }
        draft.constant(block(i, "attn_q_norm.weight"), head, 1);
        draft.constant(block(i, "attn_k_norm.weight"), head, 1);
        draft.random(block(i, "attn_q.weight"), {width, 2 * head});
        draft.random(block(i, "attn_k.weight"), {width, head});
        draft.random(block(i, "attn_v.weight"), {width, head});
        draft.random(block(i, "attn_output.weight"), {2 * head, width});
        draft.random(block(i, "ffn_gate.weight"), {width, inner});
        draft.random(block(i, "ffn_up.weight"), {width, inner});
        draft.random(block(i, "ffn_down.weight"), {inner, width});
    }
    draft.write(path);
}

void write_recurrent_model(const std::filesystem::path& path) {
    constexpr unsigned layers = 2;
    constexpr std::int64_t inner = 2 * width;
    constexpr std::int64_t state = 16;
    constexpr std::int64_t convolution = 4;
    constexpr std::int64_t rank = 4;
    Draft draft("mamba", layers);
    draft.output_norm();
    draft.number("feed_forward_length", 0);
    draft.number("attention.head_count", 0);
    draft.number("ssm.conv_kernel", convolution);
    draft.number("ssm.inner_size", inner);
    draft.number("ssm.state_size", state);
    draft.number("ssm.time_step_rank", rank);
    for (unsigned i = 0; i < layers; ++i) {
        draft.constant(block(i, "attn_norm.weight"), width, 1);
        draft.random(block(i, "ssm_in.weight"), {width, 2 * inner});
        draft.random(block(i, "ssm_conv1d.weight"), {convolution, inner});
        draft.random(block(i, "ssm_conv1d.bias"), {inner});
        draft.random(block(i, "ssm_x.weight"), {inner, rank + 2 * state});
        draft.random(block(i, "ssm_dt.weight"), {rank, inner});
        draft.random(block(i, "ssm_dt.bias"), {inner});
        draft.random(block(i, "ssm_a"), {state, inner});
        draft.random(block(i, "ssm_d"), {inner});
        draft.random(block(i, "ssm_out.weight"), {inner, width});
    }
    draft.write(path);
}

void write_encoder_model(const std::filesystem::path& path, unsigned pooling) {
    constexpr unsigned layers = 2;
    constexpr std::int64_t inner = 128;
    Draft draft("bert", layers);
    draft.real("attention.layer_norm_epsilon", 1e-5F);
    draft.number("feed_forward_length", inner);
    draft.number("attention.head_count", 4);
    draft.number("pooling_type", pooling);
    draft.token_types(1);
    draft.random("token_types.weight", {width, 1});
    draft.random("position_embd.weight", {width, tiny_context});
    draft.layer_norm("token_embd_norm");
    for (unsigned i = 0; i < layers; ++i) {
        for (const char* name :
             {"attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight"})
            draft.random(block(i, name), {width, width});
        draft.layer_norm(block(i, "attn_output_norm"));
        draft.random(block(i, "ffn_up.weight"), {width, inner});
        draft.random(block(i, "ffn_down.weight"), {inner, width});
        draft.layer_norm(block(i, "layer_output_norm"));
    }
    draft.write(path);
}

void write_pooling_decoder(const std::filesystem::path& path, unsigned pooling) {
    constexpr unsigned layers = 2;
    constexpr std::int64_t inner = 128;
    constexpr std::int64_t head = 32;
    Draft draft("qwen3", layers);
    draft.output_norm();
    draft.number("feed_forward_length", inner);
    draft.number("attention.head_count", 4);
    draft.number("attention.head_count_kv", 2);
    draft.number("attention.key_length", head);
    draft.number("attention.value_length", head);
    draft.number("pooling_type", pooling);
    for (unsigned i = 0; i < layers; ++i) {
        draft.constant(block(i, "attn_norm.weight"), width, 1);
        draft.constant(block(i, "attn_q_norm.weight"), head, 1);
        draft.constant(block(i, "attn_k_norm.weight"), head, 1);
        draft.random(block(i, "attn_q.weight"), {width, 4 * head});
        draft.random(block(i, "attn_k.weight"), {width, 2 * head});
        draft.random(block(i, "attn_v.weight"), {width, 2 * head});
        draft.random(block(i, "attn_output.weight"), {4 * head, width});
        draft.constant(block(i, "ffn_norm.weight"), width, 1);
        for (const char* name : {"ffn_gate.weight", "ffn_up.weight"})
            draft.random(block(i, name), {width, inner});
        draft.random(block(i, "ffn_down.weight"), {inner, width});
    }
    draft.write(path);
}

}  // namespace llama

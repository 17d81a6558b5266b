#include "llama/random_models.h"

#include "llama/gguf_draft.h"
#include "worker/base/assert.h"
#include "worker/model_file/ggml_type.h"

#include <llama.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace llama {

namespace {

constexpr float logits_deviation = 1.7F;

// What makes a model another than the plainest Llama.
struct Recipe {
    std::string_view name;
    const char* architecture = "llama";
    std::uint32_t layers = 2;
    std::uint32_t width = 256;
    std::uint32_t heads = 4;
    std::uint32_t heads_kv = 2;
    std::uint32_t head_dim = 64;
    std::uint32_t rotary = 64;  // of `head_dim`
    std::uint32_t window = 0;
    float sharpness = 1.1F;      // of attention: the deviation of queries and of keys
    bool own_output = true;      // else the embedding is the output, too
    bool biased_qkv = false;     // Qwen 2
    bool normed_heads = false;   // Qwen 3
    bool fused = false;          // Phi 3: q, k and v in one tensor; gate and up in another
    bool phi2 = false;           // layer norms, a feed-forward without gate, biases everywhere
    bool rope_factors = false;   // Llama 3
    bool short_factors = false;  // LongRoPE
    bool long_factors = false;
    const char* scaling = nullptr;
    float scaling_factor = 0;
    float attention_factor = 0;
    std::uint32_t original_context = 0;
};

// The width of Phi's is no multiple of 256, so that copies in K types have others among them.
constexpr std::array recipes{
    Recipe{.name = "llama"},
    Recipe{.name = "llama-tied", .heads_kv = 4, .own_output = false},
    Recipe{.name = "llama-3", .rope_factors = true},
    Recipe{.name = "llama-linear", .scaling = "linear", .scaling_factor = 4},
    Recipe{.name = "llama-yarn", .scaling = "yarn", .scaling_factor = 4, .original_context = 256},
    Recipe{.name = "mistral", .heads_kv = 1, .window = 4096},
    Recipe{.name = "qwen2",
           .architecture = "qwen2",
           .sharpness = 1.4F,
           .own_output = false,
           .biased_qkv = true},
    Recipe{.name = "qwen3",
           .architecture = "qwen3",
           .head_dim = 128,
           .rotary = 128,
           .normed_heads = true},
    Recipe{.name = "phi3",
           .architecture = "phi3",
           .width = 384,
           .heads_kv = 4,
           .head_dim = 96,
           .rotary = 96,
           .window = 2047,
           .fused = true},
    Recipe{.name = "phi3-short",
           .architecture = "phi3",
           .fused = true,
           .short_factors = true,
           .long_factors = true,
           .scaling = "longrope",
           .attention_factor = 1.19F,
           .original_context = 4096},
    Recipe{.name = "phi3-long",
           .architecture = "phi3",
           .fused = true,
           .short_factors = true,
           .long_factors = true,
           .scaling = "longrope",
           .attention_factor = 1.19F,
           .original_context = 128},
    Recipe{.name = "phi2",
           .architecture = "phi2",
           .width = 320,
           .heads_kv = 4,
           .head_dim = 80,
           .rotary = 32,
           .sharpness = 1.6F,
           .phi2 = true},
};

constexpr Recipe one_layer{.name = "window-1", .layers = 1, .window = narrow_window};

// Splitmix64.
std::uint64_t mix(std::uint64_t bits) {
    bits += 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
}

// About normal, of mean 0 and standard deviation 1: the sum of four numbers out of [0, 1). Says the
// same for the same name and number, whatever came before.
float random_normal(std::uint64_t seed, std::int64_t number) {
    const std::uint64_t bits = mix(seed + static_cast<std::uint64_t>(number));
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < 4; ++i) sum += bits >> 16 * i & 0xffff;
    return (static_cast<float>(sum) / 65536 - 2) * std::sqrt(3.0F);
}

std::uint64_t seed_of(const std::string& name) {
    std::uint64_t seed = 0;
    for (const char byte : name) seed = mix(seed + static_cast<unsigned char>(byte));
    return seed;
}

float root(std::uint32_t number) {
    return std::sqrt(static_cast<float>(number));
}

class RandomModel {
public:
    explicit RandomModel(const Recipe& recipe) : is_(recipe), draft_(recipe.architecture) {
        keys();
        rope_keys();
        draft_.vocabulary(random_model_tokens);
        // Small beside what the layers add, so that not every token predicts itself.
        const float embedding = is_.own_output ? 0.8F : 0.8F * logits_deviation / root(is_.width);
        matrix("token_embd.weight", is_.width, random_model_tokens, embedding);
        norm("output_norm", is_.width);
        if (is_.own_output) product("output", is_.width, random_model_tokens, logits_deviation);
        if (is_.rope_factors) factors("rope_freqs.weight", 1, 8);
        if (is_.short_factors) factors("rope_factors_short.weight", 1, 1.5F);
        if (is_.long_factors) factors("rope_factors_long.weight", 1, 30);
        for (std::uint32_t i = 0; i < is_.layers; ++i) layer("blk." + std::to_string(i) + ".");
    }
    void write(const std::filesystem::path& path) const { draft_.write(path); }

private:
    static constexpr std::uint32_t inner = 512;

    void keys() {
        draft_.number("context_length", random_model_context);
        draft_.number("embedding_length", is_.width);
        draft_.number("block_count", is_.layers);
        draft_.number("feed_forward_length", inner);
        draft_.number("attention.head_count", is_.heads);
        draft_.number("attention.head_count_kv", is_.heads_kv);
        draft_.real(is_.phi2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
                    1e-5F);
        if (is_.head_dim * is_.heads != is_.width) {
            draft_.number("attention.key_length", is_.head_dim);
            draft_.number("attention.value_length", is_.head_dim);
        }
        if (is_.window > 0) draft_.number("attention.sliding_window", is_.window);
    }

    void rope_keys() {
        draft_.number("rope.dimension_count", is_.rotary);
        draft_.real("rope.freq_base", 10000);
        if (is_.scaling) draft_.text("rope.scaling.type", is_.scaling);
        if (is_.scaling_factor > 0) draft_.real("rope.scaling.factor", is_.scaling_factor);
        if (is_.attention_factor > 0) draft_.real("rope.scaling.attn_factor", is_.attention_factor);
        if (is_.original_context > 0)
            draft_.number("rope.scaling.original_context_length", is_.original_context);
    }

    void layer(const std::string& block) {
        norm(block + "attn_norm", is_.width);
        const std::uint32_t queries = is_.heads * is_.head_dim;
        const std::uint32_t keys = is_.heads_kv * is_.head_dim;
        if (is_.fused) {
            product(block + "attn_qkv", is_.width, queries + 2 * keys, is_.sharpness);
        } else {
            product(block + "attn_q", is_.width, queries, is_.sharpness);
            product(block + "attn_k", is_.width, keys, is_.sharpness);
            product(block + "attn_v", is_.width, keys, 1);
        }
        if (is_.biased_qkv || is_.phi2) {
            bias(block + "attn_q", queries);
            bias(block + "attn_k", keys);
            bias(block + "attn_v", keys);
        }
        if (is_.normed_heads) {
            norm(block + "attn_q_norm", is_.head_dim);
            norm(block + "attn_k_norm", is_.head_dim);
        }
        product(block + "attn_output", queries, is_.width, is_.phi2 ? 3.0F : 2.0F);
        if (is_.phi2) bias(block + "attn_output", is_.width);
        feed_forward(block);
    }

    void feed_forward(const std::string& block) {
        if (!is_.phi2) norm(block + "ffn_norm", is_.width);
        if (!is_.fused && !is_.phi2) product(block + "ffn_gate", is_.width, inner, 1);
        product(block + "ffn_up", is_.width, is_.fused ? 2 * inner : inner, 1);
        product(block + "ffn_down", inner, is_.width, 1);
        if (!is_.phi2) return;
        bias(block + "ffn_up", inner);
        bias(block + "ffn_down", is_.width);
    }

    // Whose outputs are of about this standard deviation, where its inputs are of 1.
    void product(const std::string& name, std::uint32_t inputs, std::uint32_t outputs,
                 float deviation) {
        matrix(name + ".weight", inputs, outputs, deviation / root(inputs));
        if (is_.phi2 && name == "output") bias(name, outputs);
    }
    void matrix(const std::string& name, std::uint32_t inputs, std::uint32_t outputs,
                float deviation) {
        draft_.tensor(name, {inputs, outputs}, [&, seed = seed_of(name)](std::int64_t number) {
            return deviation * random_normal(seed, number);
        });
    }
    void bias(const std::string& name, std::uint32_t size) {
        vector(name + ".bias", size, 0, 0.3F);
    }
    void norm(const std::string& name, std::uint32_t size) {
        vector(name + ".weight", size, 1, 0.2F);
        if (is_.phi2) bias(name, size);
    }
    void vector(const std::string& name, std::uint32_t size, float mean, float deviation) {
        draft_.tensor(name, {size}, [&, seed = seed_of(name)](std::int64_t number) {
            return mean + deviation * random_normal(seed, number);
        });
    }
    // From the fastest pair of a head to the slowest.
    void factors(const std::string& name, float first, float last) {
        const std::int64_t pairs = is_.rotary / 2;
        draft_.tensor(name, {pairs}, [=](std::int64_t number) {
            return first + (last - first) * static_cast<float>(number) / static_cast<float>(pairs);
        });
    }

    const Recipe is_;
    GgufDraft draft_;
};

}  // namespace

std::span<const std::string_view> random_models() {
    static const auto names = [] {
        std::array<std::string_view, recipes.size()> all;
        std::transform(recipes.begin(), recipes.end(), all.begin(),
                       [](const Recipe& recipe) { return recipe.name; });
        return all;
    }();
    return names;
}

void write_random_model(std::string_view name, const std::filesystem::path& path) {
    const auto* found = std::find_if(recipes.begin(), recipes.end(),
                                     [&](const Recipe& recipe) { return recipe.name == name; });
    if (found == recipes.end()) WORKER_ASSERT(name == one_layer.name);
    RandomModel(found == recipes.end() ? one_layer : *found).write(path);
}

void write_copy(const std::filesystem::path& from, const std::filesystem::path& to,
                std::string_view file_type) {
    constexpr std::int64_t file_types = 64;  // and more than there are
    std::int64_t number = 0;
    while (number < file_types && worker::file_type_name(number) != file_type) ++number;
    WORKER_ASSERT(number < file_types);
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.nthread = 1;
    params.ftype = static_cast<llama_ftype>(number);
    params.allow_requantize = true;
    WORKER_ASSERT(llama_model_quantize(from.c_str(), to.c_str(), &params) == 0);
}

}  // namespace llama

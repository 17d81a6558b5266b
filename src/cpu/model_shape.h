#pragma once

#include "cpu/model_files.h"

#include <cstdint>
#include <string>

namespace cpu {

enum class Norm : std::uint8_t { rms, layer };
// Which numbers of a head are turned together: neighbours, or those half the turned part apart.
enum class RotaryPairs : std::uint8_t { neighbours, halves };
// How positions beyond those of the first training are made to fit.
enum class RotaryScaling : std::uint8_t { linear, yarn, longrope };

struct RotaryShape {
    RotaryPairs pairs = RotaryPairs::neighbours;
    RotaryScaling scaling = RotaryScaling::linear;
    std::uint32_t dimensions = 0;        // of a head, that are turned
    std::uint32_t original_context = 0;  // tokens, before scaling
    double base = 10000;
    double factor = 1;     // of the context that scaling adds
    double magnitude = 1;  // of what has been turned
    double beta_fast = 32;
    double beta_slow = 1;
};

// All that the forward pass needs to know of a model beside its tensors. Sizes are checked: none is
// 0 but that of the window, and heads * head_dim fit 32 bits, of all layers together too.
struct ModelShape {
    std::string architecture;
    std::uint32_t layers = 0;
    std::uint32_t width = 0;  // of the residual stream
    std::uint32_t feed_forward = 0;
    std::uint32_t heads = 0;
    std::uint32_t heads_kv = 0;
    std::uint32_t head_dim = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t context_trained = 0;
    std::uint32_t window = 0;  // keys that a token sees, its own among them; 0: all
    float epsilon = 0;
    Norm norm = Norm::rms;
    bool parallel = false;  // attention and feed-forward read the same norm and are added together
    bool gated = true;      // silu(gate) * up; else gelu(up)
    RotaryShape rotary = {};

    std::uint32_t group() const { return heads / heads_kv; }  // query heads of a KV head
};

// Errors: model_unsupported, with a phrase that says what this engine does not compute: another
// architecture, or a key whose meaning it does not know.
// Source: llama_model_base::load_hparams and models/*.cpp in llama.cpp.
Result<ModelShape> read_shape(const ModelFiles& files);

}  // namespace cpu

#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/conversion_plan.h"
#include "worker/hugging_face/model_directory.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace worker {

// A row of the table of architectures: what models of one have in common, on both sides.
struct ModelFamily {
    enum Trait : std::uint8_t {
        own_head_dim = 1,    // heads need not share the width between them
        whole_rotation = 2,  // rotary positions turn whole heads
        rotary_factors = 4,  // libllama reads rope_freqs.weight
        long_factors = 8,    // libllama reads rope_factors_long.weight
        encoder = 16,        // every token sees every other; positions are learnt
    };

    std::string_view architecture;  // general.architecture
    std::string_view prefix;        // before tensors' names, where the model has a head
    unsigned traits;
    std::string_view epsilon_field;               // in config.json
    std::string_view epsilon_key;                 // in the GGUF file
    double epsilon;                               // where config.json is silent
    double rotary_share;                          // of a head, where config.json is silent
    std::array<std::string_view, 3> activations;  // that the engines compute; the first is assumed

    bool has(Trait trait) const { return (traits & trait) != 0; }
};

// What config.json says, checked.
struct ModelConfig {
    const ModelFamily* family = nullptr;
    bool has_head = false;  // lm_head.weight is a tensor of its own
    std::uint32_t layers = 0;
    std::uint32_t width = 0;
    std::uint32_t feed_forward = 0;
    std::uint32_t heads = 0;
    std::uint32_t heads_kv = 0;
    std::uint32_t head_dim = 0;
    std::uint32_t context = 0;            // tokens
    std::uint32_t vocabulary = 0;         // tokens
    std::uint32_t token_types = 0;        // of encoders
    std::vector<GgufEntry> entries;       // the keys of the architecture
    std::vector<PlannedTensor> computed;  // factors of rotary positions
};

// Errors: model_unsupported, model_corrupt with the name of the field.
// Source: transformers, configuration_*.py of each family, and llama.cpp, gguf-py constants.py.
Result<ModelConfig> read_model_config(const ModelDirectory& directory);

}  // namespace worker

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace worker {

// What a model is for, and how it remembers the text so far.
enum class ModelKind : std::uint8_t {
    // These generate text.
    attention,  // keys and values of every token
    recurrent,  // a state of fixed size
    hybrid,     // both, by layer
    // These do not, or not alone.
    encoder,          // each token attends to the whole text
    encoder_decoder,  // or one's encoder
    vision,
    speech,
    draft,
    diffusion,
};

constexpr bool generates_text(ModelKind kind) {
    return kind <= ModelKind::hybrid;
}

// A word of general.architecture that the inference library knows, and what the library asserts of
// such models: a failed assertion ends the process, so the file has to be refused before.
// Source: llama.cpp's llama-arch.cpp, and the assertions and divisions of its models/*.cpp.
struct Architecture {
    enum Trait : std::uint8_t {
        none = 0,
        equal_heads = 1,      // keys and values have the same width
        full_rotation = 2,    // rope turns whole heads
        needs_experts = 4,    // divides by the number of experts used
        headless_layers = 8,  // some layers have no attention although it is no hybrid
        whole_width = 16,     // heads times their width is the width of the model
    };

    std::string_view name;
    ModelKind kind;
    unsigned traits;

    bool has(Trait trait) const { return (traits & trait) != 0; }
};

// Null for an unknown name.
const Architecture* find_architecture(std::string_view name);

// A key's range, outside of which the library fails an assertion or divides by zero.
struct KeyRule {
    std::string_view architecture;  // empty: of every architecture
    std::string_view key;           // after "<architecture>."
    std::int64_t least;
    std::int64_t most;
};

std::span<const KeyRule> key_rules();

}  // namespace worker

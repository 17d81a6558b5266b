#pragma once

#include <cstdint>

namespace worker {
struct FlagGroup;
}

namespace embedding {

// What only a worker for embeddings lets itself be told from outside, beside every worker's Config.
struct EmbeddingSettings {
    std::uint32_t input_chars_max = 32768;  // native route, of each input; 0 = the context
    bool any_model = false;                 // OpenAI routes take every `model`
};

// The flags that set them. Requires: `settings` outlives them.
worker::FlagGroup embedding_flags(EmbeddingSettings& settings);

}  // namespace embedding

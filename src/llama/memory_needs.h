#pragma once

#include "llama/embedding_model.h"
#include "llama/text_model.h"
#include "worker/base/result.h"
#include "worker/model_file/model_facts.h"

#include <cstdint>
#include <string_view>

namespace llama {

// Bytes that a model will take.
struct MemoryNeeds {
    std::uint64_t weights = 0;  // the files' size
    std::uint64_t kv_cell = 0;  // KV cache, each cell
    std::uint64_t kv = 0;       // KV cache and states together
    std::uint64_t compute = 0;  // compute and output buffers
    std::string_view remedy;    // "lower …", where there is no room for them

    std::uint64_t total() const { return weights + kv + compute; }
};

// What the model will take with these options, told from its header so that a load that cannot
// succeed is refused before it begins.
//
// Weights and KV cache are exact for a model of attention layers only. The states of recurrent
// layers and the compute buffers are estimates from above: libllama tells their sizes when it has
// allocated them. With several devices the sum over all of them.
MemoryNeeds memory_needs(const worker::ModelFacts& facts, const TextModelOptions& options);
// The same for vectors: what a step of `rows_max` tokens takes.
MemoryNeeds memory_needs(const worker::ModelFacts& facts, const EmbeddingModelOptions& options);

enum class MemoryPlace : std::uint8_t { host, device };

// The memory that a model may take.
struct MemoryRoom {
    std::uint64_t free_bytes = 0;
    std::uint64_t floor_bytes = 0;  // of these, to be left free
    MemoryPlace place = MemoryPlace::host;
};

// Errors: insufficient_memory, insufficient_vram, with the bytes needed and free, and what to do.
Result<void> check_memory(const MemoryNeeds& needs, std::uint64_t free_bytes, MemoryPlace place);

}  // namespace llama

#pragma once

#include "llama/embedding_model.h"
#include "llama/memory_needs.h"
#include "worker/app/config.h"
#include "worker/base/result.h"
#include "worker/model_file/model_facts.h"

namespace llama {

// The longest text and the rows of a step for this model in this much memory: as configured, where
// it is configured, and no longer than the model reads; else as much as is useful and fits.
// Errors: insufficient_memory, insufficient_vram, with needed and free bytes.
Result<EmbeddingModelOptions> choose_embedding_sizes(const worker::ModelFacts& facts,
                                                     const worker::Config& config,
                                                     const MemoryRoom& room);

}  // namespace llama

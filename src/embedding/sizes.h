#pragma once

#include "llama/embedding_model.h"
#include "llama/memory_needs.h"
#include "worker/app/config.h"
#include "worker/base/result.h"
#include "worker/model_file/model_facts.h"

namespace embedding {

// The longest text and the rows of a step for this model in this much memory: as configured, where
// it is configured; else as much as is useful and fits.
// Errors: insufficient_memory, insufficient_vram, with needed and free bytes; config_invalid where
// texts were asked for that are longer than the model can read.
worker::Result<llama::EmbeddingModelOptions> choose_sizes(const worker::ModelFacts& facts,
                                                          const worker::Config& config,
                                                          const llama::MemoryRoom& room);

}  // namespace embedding

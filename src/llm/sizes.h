#pragma once

#include "llama/memory_needs.h"
#include "llama/text_model.h"
#include "llm/settings.h"
#include "worker/base/result.h"
#include "worker/model_file/model_facts.h"

namespace llm {

// Context, slots and KV cells for this model in this much memory: as configured, where it is
// configured; else as much as is useful and fits.
// Errors: insufficient_memory, insufficient_vram, with needed and free bytes; config_invalid.
worker::Result<llama::TextModelOptions> choose_sizes(const worker::ModelFacts& facts,
                                                     const AllSettings& settings,
                                                     const llama::MemoryRoom& room);

}  // namespace llm

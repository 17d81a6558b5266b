#pragma once

#include "llama/memory_needs.h"
#include "llama/text_model.h"
#include "worker/app/config.h"
#include "worker/base/result.h"
#include "worker/model_file/model_facts.h"

#include <cstdint>
#include <optional>

namespace llm {

// The memory that a model may take.
struct MemoryRoom {
    std::uint64_t free_bytes = 0;
    std::uint64_t floor_bytes = 0;  // of these, to be left free
    llama::MemoryPlace place = llama::MemoryPlace::host;
};

// Context, slots and KV cells for this model in this much memory: as configured, where it is
// configured; else as much as is useful and fits.
// Errors: insufficient_memory, insufficient_vram, with needed and free bytes; config_invalid.
worker::Result<llama::TextModelOptions> choose_sizes(const worker::ModelFacts& facts,
                                                     const worker::Config& config,
                                                     const MemoryRoom& room);

}  // namespace llm

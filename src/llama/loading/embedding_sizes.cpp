#include "llama/loading/embedding_sizes.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace llama {

namespace {

// As long as what OpenAI's models read. Longer texts must be asked for: a step of them takes memory
// by the square of their length.
constexpr std::uint32_t context_useful = 8192;
constexpr std::uint32_t context_min = 128;

EmbeddingModelOptions options_of(std::uint32_t context_max, const worker::Config& config) {
    const std::uint32_t rows_max = std::max(context_max, config.batch_size);
    return {.context_max = context_max,
            .rows_max = rows_max,
            .texts_max = std::min(rows_max, embedded_texts_max)};
}

// What fits into all of the room or into half of what the weights leave of it.
bool fits_well(const MemoryNeeds& needs, const MemoryRoom& room) {
    const std::uint64_t taken = needs.weights + room.floor_bytes;
    if (room.free_bytes <= taken) return false;
    // Other programs share the host's memory; a device's is the worker's down to the floor.
    const std::uint64_t left = room.free_bytes - taken;
    return needs.kv + needs.compute <= (room.place == MemoryPlace::host ? left / 2 : left);
}

}  // namespace

Result<EmbeddingModelOptions> choose_embedding_sizes(const worker::ModelFacts& facts,
                                                     const worker::Config& config,
                                                     const MemoryRoom& room) {
    const auto needs = [&](const EmbeddingModelOptions& options) {
        return memory_needs(facts, options);
    };
    const std::uint32_t wanted = config.context_size.value_or(context_useful);
    EmbeddingModelOptions options = options_of(std::min(facts.context_length, wanted), config);
    while (!config.context_size && options.context_max / 2 >= context_min &&
           !fits_well(needs(options), room))
        options = options_of(options.context_max / 2, config);

    const std::uint64_t usable =
        room.free_bytes > room.floor_bytes ? room.free_bytes - room.floor_bytes : 0;
    if (auto fits = check_memory(needs(options), usable, room.place); !fits)
        return worker::fail(std::move(fits.error()));
    return options;
}

}  // namespace llama

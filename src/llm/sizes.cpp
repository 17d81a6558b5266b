#include "llm/sizes.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace llm {

using llama::TextModelOptions;
using worker::Result;

namespace {

// Cells for a slot beyond which more is seldom used, though it costs memory and start-up time.
constexpr std::uint64_t cells_a_slot = 2048;
constexpr std::uint64_t context_min = 256;

// Cells that fit beside everything else, into all of the room or into half of it.
std::uint64_t cells_affordable(const llama::MemoryNeeds& without_kv,
                               const llama::MemoryRoom& room) {
    const std::uint64_t taken = without_kv.total() + room.floor_bytes;
    if (room.free_bytes <= taken) return 0;
    if (without_kv.kv_cell == 0) return std::numeric_limits<std::uint32_t>::max();
    // Other programs share the host's memory; a device's is the worker's down to the floor.
    const std::uint64_t left = room.free_bytes - taken;
    const std::uint64_t share = room.place == llama::MemoryPlace::host ? left / 2 : left;
    return share / without_kv.kv_cell;
}

std::uint32_t narrow(std::uint64_t cells) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(cells, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace

Result<TextModelOptions> choose_sizes(const worker::ModelFacts& facts, const AllSettings& settings,
                                      const llama::MemoryRoom& room) {
    const worker::Config& config = settings.worker;
    const std::optional<std::uint64_t> kv_tokens = settings.text.kv_tokens;
    const auto kv_type = llama::find_kv_type(settings.text.kv_type);
    if (!kv_type) return worker::fail(kv_type.error());
    TextModelOptions options;
    options.kv_type = *kv_type;
    options.rows_max = config.batch_size;
    options.sequences_max = config.parallel;

    const std::uint64_t affordable = cells_affordable(llama::memory_needs(facts, options), room);
    options.context_max = config.context_size.value_or(
        narrow(std::max(context_min, std::min<std::uint64_t>(facts.context_length, affordable))));
    const std::uint64_t context = options.context_max;
    if (!config.parallel_given)
        options.sequences_max =
            narrow(std::clamp<std::uint64_t>(affordable / context_min, 1, config.parallel));
    const std::uint64_t slots = options.sequences_max;
    if (kv_tokens && *kv_tokens < context) options.context_max = narrow(*kv_tokens);
    const std::uint64_t useful = std::min(slots * context, std::max(context, slots * cells_a_slot));
    options.cells = narrow(kv_tokens.value_or(std::clamp(affordable, context, useful)));

    const std::uint64_t usable =
        room.free_bytes > room.floor_bytes ? room.free_bytes - room.floor_bytes : 0;
    const auto fits = llama::check_memory(llama::memory_needs(facts, options), usable, room.place);
    if (!fits) return worker::fail(fits.error());
    return options;
}

}  // namespace llm

#include "worker/hugging_face/servable_files.h"

#include "worker/device/host_memory.h"

#include <array>
#include <limits>
#include <system_error>
#include <utility>

namespace worker {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

// What a model directory may hold beside its weights, as far as we read it.
constexpr std::array described_in{
    "config.json",           "generation_config.json",    "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json",   "chat_template.jinja",
    "modules.json",          "sentence_bert_config.json", "1_Pooling/config.json"};

bool is_model_directory(const Paths& found) {
    std::error_code ignored;
    return found.size() == 1 && fs::is_directory(found.front(), ignored);
}

}  // namespace

Result<ServableModel> servable_files(const Paths& found, const ModelPlaces& places,
                                     const CopyObserver& observer) {
    if (!is_model_directory(found)) return ServableModel{.paths = found};
    const auto directory = open_model_directory(found.front());
    if (!directory) return fail(directory.error());
    const auto plan = plan_conversion(*directory);
    if (!plan) return fail(plan.error());
    const HostMemory memory = host_memory();
    // A system that does not tell is taken to have enough.
    const std::uint64_t free_bytes =
        memory.total_bytes > 0 ? memory.free_bytes : std::numeric_limits<std::uint64_t>::max();
    auto copy = copy_as_gguf({.directory = *directory,
                              .plan = *plan,
                              .cache = places.cache(),
                              .memory_free_bytes = free_bytes},
                             observer);
    if (!copy) return fail(std::move(copy.error()));
    return ServableModel{.paths = {std::move(copy->path)},
                         .memory = std::move(copy->memory),
                         .note = std::move(copy->note)};
}

Result<Paths> files_to_read(const Paths& found) {
    if (!is_model_directory(found)) return found;
    const auto directory = open_model_directory(found.front());
    if (!directory) return fail(directory.error());
    Paths files;
    for (const char* name : described_in) {
        std::error_code ignored;
        if (fs::exists(directory->path / name, ignored)) files.push_back(directory->path / name);
    }
    files.insert(files.end(), directory->shards.begin(), directory->shards.end());
    return files;
}

}  // namespace worker

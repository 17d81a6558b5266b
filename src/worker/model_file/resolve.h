#pragma once

#include "worker/base/result.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace worker {

// Where models may lie on this machine. From the environment, handed in.
struct ModelPlaces {
    std::filesystem::path home;
    std::optional<std::filesystem::path> model_base_dir;  // RBEE_MODEL_BASE_DIR
    std::optional<std::filesystem::path> hf_home;         // HF_HOME; unset: ~/.cache/huggingface
    std::optional<std::filesystem::path> cache_home;      // XDG_CACHE_HOME; unset: ~/.cache

    std::filesystem::path cache() const { return cache_home.value_or(home / ".cache"); }
};

// What `reference` means: a GGUF file, or all its shards in order; or, of a model as Hugging Face
// ships it (config.json and SafeTensors), its directory alone, whatever else it holds. `reference`
// is tried as a file or directory, as an id of the hive's catalogue and of the older one, below the
// model base directory, and as a model "org/name" or "hf:org/name" of the Hugging Face cache. A
// SafeTensors file means the directory that it is in. Every file that is returned is a regular one,
// is not empty and could be opened. Errors: model_not_found with the places tried or what the
// directory lacks, model_unreadable with the remedy, model_unsupported (a SafeTensors file without
// its directory), model_corrupt (an empty file, a broken catalogue entry). One line each.
Result<std::vector<std::filesystem::path>> resolve_model(const std::string& reference,
                                                         const ModelPlaces& places);

}  // namespace worker

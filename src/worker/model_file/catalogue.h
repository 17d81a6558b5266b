#pragma once

#include "worker/base/result.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace worker {

// The directory of a model in the hive's catalogue: "<home>/.cache/rbee/models/<id>", with '-' in
// place of '/' and ':', and of the dots of an id that would lead out of the catalogue.
std::filesystem::path catalogue_directory(const std::filesystem::path& home, std::string_view id);

// What `artifact.path` in the entry's metadata.json names; without that key, model.gguf beside it.
// Whether that exists is not asked. Nothing when there is no entry.
// Errors: model_corrupt (not JSON), model_unreadable.
Result<std::optional<std::filesystem::path>> read_catalogue_entry(
    const std::filesystem::path& directory);

}  // namespace worker

#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/gguf_copy.h"
#include "worker/model_file/resolve.h"

#include <filesystem>
#include <vector>

namespace worker {

// What a model is loaded from, whatever it was found as.
struct ServableModel {
    std::vector<std::filesystem::path> paths;  // GGUF files
    // Of a copy in memory: keeps the path alive for as long as files are opened by it.
    std::shared_ptr<const Descriptor> memory = nullptr;
    std::string note = {};  // why the copy is in memory, for the log; else empty
};

// What `resolve_model` found, as GGUF: files as they are, and a SafeTensors directory by its copy
// in the user's cache. Errors: those of `open_model_directory`, `plan_conversion`, `copy_as_gguf`.
Result<ServableModel> servable_files(const std::vector<std::filesystem::path>& found,
                                     const ModelPlaces& places, const CopyObserver& observer);

// The files that would be read for what `resolve_model` found. Errors: those of
// `open_model_directory`.
Result<std::vector<std::filesystem::path>> files_to_read(
    const std::vector<std::filesystem::path>& found);

}  // namespace worker

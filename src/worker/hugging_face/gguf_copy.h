#pragma once

#include "worker/base/descriptor.h"
#include "worker/base/result.h"
#include "worker/hugging_face/conversion.h"
#include "worker/hugging_face/conversion_plan.h"
#include "worker/hugging_face/model_directory.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace worker {

// A model directory as one GGUF file: in the cache directory, or in memory where nothing can be
// written there.
struct GgufCopy {
    std::filesystem::path path;                          // of one in memory: "/proc/self/fd/…"
    std::shared_ptr<const Descriptor> memory = nullptr;  // null for a file; else keeps it alive
    std::string note = {};                               // why it is in memory, for the log
};

struct CopyRequest {
    const ModelDirectory& directory;
    const ConversionPlan& plan;
    std::filesystem::path cache;  // the user's, such as ~/.cache
    std::uint64_t memory_free_bytes;
};

// Who has a say in a copy that is being made.
struct CopyObserver {
    // Judges the file by its header alone, before anything is written. Its errors are the copy's.
    std::function<Result<void>(const ByteSource& header)> accepts;
    std::function<void(const std::string& sentence)> says;  // what is done, once
    ConversionProgress progress;
};

// Where copies are: "<cache>/llm-worker-rbee/converted".
std::filesystem::path copies_in(const std::filesystem::path& cache);

// The copy of the directory, which is made where it is not there yet. Its name is a digest of all
// that it is made from, so that any change makes another one. Processes may do this at once, and
// whatever ends one of them, what is found under such a name is whole.
// Errors: model_corrupt, model_unreadable, model_unsupported, insufficient_memory, `cancelled`;
// then nothing of it is left.
Result<GgufCopy> copy_as_gguf(const CopyRequest& request, const CopyObserver& observer);

}  // namespace worker

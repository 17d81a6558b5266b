#pragma once

#include "embedding/batching/embedding_backend.h"
#include "llama/library.h"
#include "llama/loading/loading.h"
#include "worker/app/process.h"
#include "worker/http/status_routes.h"

#include <atomic>

namespace embedding {

// From a model's name to a model that is warm: find it, choose sizes, load, warm up. Thread: the
// engine thread.
class EmbeddingLoading {
public:
    // Requires: both outlive it.
    EmbeddingLoading(const worker::Outside& outside, llama::Library& library)
        : config_(outside.daemon.config),
          library_(library),
          log_(outside.daemon.log),
          loading_(outside, library) {}

    // Errors: start-up's codes; `cancelled` when the observer said so.
    Result<LoadedModel> load(const worker::LoadObserver& observer,
                             const std::atomic<bool>& interrupted);

    // What the worker says of its model, engine and limits when it is asked. Requires: `load` has
    // succeeded, and this thread knows it; this outlives the answer. Thread: io.
    worker::ServedModel served_model() const;

private:
    const worker::Config& config_;
    llama::Library& library_;
    worker::Log& log_;
    llama::Loading loading_;
    Capabilities capabilities_;  // of what was loaded
};

}  // namespace embedding

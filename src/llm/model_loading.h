#pragma once

#include "llama/loading/loading.h"
#include "llm/batching/text_backend.h"
#include "llm/settings.h"
#include "worker/app/process.h"
#include "worker/http/status_routes.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace llm {

// From a model's name to a model that is warm: find it, choose engine and sizes, load, warm up.
// Thread: the engine thread.
class ModelLoading {
public:
    // Requires: all of them outlive it.
    ModelLoading(const worker::Outside& outside, const TextSettings& settings,
                 llama::Library& library)
        : config_(outside.daemon.config),
          settings_(settings),
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
    struct Plan;
    struct Computing;
    Result<Plan> plan(const worker::LoadObserver& observer);
    Result<Computing> load_native(const Plan& plan, const worker::LoadObserver& observer,
                                  const std::atomic<bool>& interrupted);
    Result<Computing> load_llama(const Plan& plan, const worker::LoadObserver& observer,
                                 const std::atomic<bool>& interrupted);

    const worker::Config& config_;
    const TextSettings& settings_;
    llama::Library& library_;
    worker::Log& log_;
    llama::Loading loading_;
    // What a load has found out.
    std::string engine_;
    Capabilities capabilities_;
    std::uint64_t prefix_bytes_max_ = 0;  // host memory for texts that may come again
};

}  // namespace llm

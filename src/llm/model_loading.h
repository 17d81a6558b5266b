#pragma once

#include "llama/library.h"
#include "llama/model.h"
#include "llm/batching/text_backend.h"
#include "llm/settings.h"
#include "worker/app/config.h"
#include "worker/base/log.h"
#include "worker/device/device.h"
#include "worker/http/status_routes.h"
#include "worker/hugging_face/servable_files.h"
#include "worker/model_file/model_facts.h"
#include "worker/model_file/resolve.h"
#include "worker/narration/narrator.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace llm {

// What a load has found out, for those who ask the worker about its model.
struct LoadReport {
    worker::ModelFacts facts;
    std::vector<worker::Device> devices;  // all that this machine and build have
    worker::ChosenDevice chosen;          // those that compute
    std::string device;                   // the first of them: "cpu:0"
    std::string engine;
    Capabilities capabilities;
    std::uint64_t prefix_bytes_max = 0;  // host memory for texts that may come again
};

// From a model's name to a model that is warm: resolve, copy what is no GGUF to one, check the
// header by ourselves, choose device and sizes, load, warm up. Thread: the engine thread.
class ModelLoading {
public:
    struct Parts {
        const worker::Config& config;
        const TextSettings& settings;
        worker::ModelPlaces places;
        llama::Library& library;
        worker::Narrator& narrator;
        worker::Log& log;
    };
    explicit ModelLoading(Parts parts)
        : config_(parts.config),
          settings_(parts.settings),
          places_(std::move(parts.places)),
          library_(parts.library),
          narrator_(parts.narrator),
          log_(parts.log) {}

    // Errors: start-up's codes; `cancelled` when the observer said so.
    Result<LoadedModel> load(const worker::LoadObserver& observer,
                             const std::atomic<bool>& interrupted);

    // What the worker says of its model, engine and limits when it is asked. Requires: `load` has
    // succeeded, and this thread knows it; this outlives the answer.
    worker::ServedModel served_model() const;

private:
    struct Plan;
    struct Computing;
    Result<Plan> plan(const worker::LoadObserver& observer);
    Result<worker::ServableModel> find_files(const worker::LoadObserver& observer);
    Result<Computing> load_native(const Plan& plan, const worker::LoadObserver& observer,
                                  const std::atomic<bool>& interrupted);
    Result<Computing> load_llama(const Plan& plan, const worker::LoadObserver& observer,
                                 const std::atomic<bool>& interrupted);
    Result<std::shared_ptr<const llama::Model>> load_weights(const Plan& plan,
                                                             const worker::LoadObserver& observer);
    // False: give up.
    bool report_weights(const worker::LoadObserver& observer, double fraction) const;
    Result<void> begin_warm_up(const worker::LoadObserver& observer);
    void narrate(std::string action, std::string human);

    const worker::Config& config_;
    const TextSettings& settings_;
    const worker::ModelPlaces places_;
    llama::Library& library_;
    worker::Narrator& narrator_;
    worker::Log& log_;
    LoadReport report_;
    double converted_ = 0;  // 0..1 of the whole load: what making a GGUF copy took of it
};

}  // namespace llm

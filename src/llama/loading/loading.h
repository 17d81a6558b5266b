#pragma once

#include "llama/library.h"
#include "llama/memory_needs.h"
#include "llama/model.h"
#include "llm/model/model_card.h"
#include "worker/app/config.h"
#include "worker/app/process.h"
#include "worker/base/log.h"
#include "worker/base/result.h"
#include "worker/contract/json_object.h"
#include "worker/device/device.h"
#include "worker/engine/backend.h"
#include "worker/http/status_routes.h"
#include "worker/hugging_face/servable_files.h"
#include "worker/model_file/model_facts.h"
#include "worker/narration/narrator.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llama {

// What a modality says of a loaded model beside what is the same for all.
struct Served {
    worker::JsonObject model = {};
    std::vector<std::string> capabilities;
    std::string engine;
    std::uint32_t context_length;  // tokens
    worker::JsonObject limits;
};

// From a model's name to its weights, whatever they are for: resolve, copy what is no GGUF to one,
// check the header by ourselves, choose the device, load. What it narrates and observes on this way
// goes on through it to the end of the load. Thread: the engine thread.
class Loading {
public:
    Loading(const worker::Outside& outside, Library& library)
        : config_(outside.daemon.config),
          places_(outside.places),
          library_(library),
          narrator_(outside.daemon.narrator),
          log_(outside.daemon.log) {}

    // The model's files and what their headers say. Errors: start-up's codes; `cancelled` when the
    // observer said so.
    Result<worker::ServableModel> find(const worker::Serves& serves,
                                       const worker::LoadObserver& observer);
    // What computes; `backend` as in the settings. Errors: device_unavailable, config_invalid.
    Result<void> choose_device(const std::string& backend);

    // Known once found, and once chosen.
    const worker::ModelFacts& facts() const { return facts_; }
    const worker::Device& device() const { return chosen_.devices.front(); }
    bool on_cpu() const { return chosen_.kind == "cpu"; }
    // Free on the devices, and of that what is to be left free.
    MemoryRoom room() const;

    // Requires: the device is chosen. Errors: as `load_model`.
    Result<std::shared_ptr<const Model>> load_weights(const worker::ServableModel& files,
                                                      ModelUse use,
                                                      const worker::LoadObserver& observer);
    // False: give up.
    bool report_weights(const worker::LoadObserver& observer, double fraction) const;
    // Errors: cancelled.
    Result<void> begin_warm_up(const worker::LoadObserver& observer);

    // What is loaded, on what it is computed by what, and that it is done.
    void narrate_load();
    void narrate_device(std::string_view engine, std::string_view reason = {});
    void narrate_success() { narrate("model_load_success", "Has the model in memory and is warm"); }

    // What the worker says of its model, engine and limits when it is asked. Requires: the load has
    // succeeded, and this thread knows it; this outlives the answer. Thread: io.
    worker::ServedModel served_model(const Served& served) const;

private:
    void narrate(std::string action, std::string human);
    worker::DeviceMemory device_memory() const;

    const worker::Config& config_;
    const worker::ModelPlaces places_;
    Library& library_;
    worker::Narrator& narrator_;
    worker::Log& log_;
    worker::ModelFacts facts_;
    std::vector<worker::Device> devices_;  // all that this machine and build have
    worker::ChosenDevice chosen_;          // those that compute
    std::string device_name_;              // the first of them: "cpu:0"
    double converted_ = 0;  // 0..1 of the whole load: what making a GGUF copy took of it
};

// What the files say of the model, for those who ask.
llm::ModelCard card_of(const worker::ModelFacts& facts);

// libllama's log, with its warnings as what they are to us: it warns of what is meant here, such as
// more cells than one context needs.
LogSink log_to(worker::Log& log);

}  // namespace llama

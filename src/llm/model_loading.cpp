#include "llm/model_loading.h"

#include "cpu/text_model.h"
#include "llama/text_model.h"
#include "llama/vocabulary.h"
#include "llm/chat_template_choice.h"
#include "llm/engine_choice.h"
#include "llm/sizes.h"
#include "worker/base/quantities.h"
#include "worker/device/cpu_threads.h"
#include "worker/device/host_memory.h"

#include <algorithm>
#include <utility>

namespace llm {

using worker::JsonObject;
using worker::LoadObserver;
using worker::LoadProgress;

// What is known before a weight is read.
struct ModelLoading::Plan {
    worker::ServableModel files;  // They are opened while the model loads, and not after that.
    worker::ChosenDevice chosen;
    Engine engine = Engine::llama;
    llama::TextModelOptions options;  // The native engine's too, as far as it has them.
    ModelCard card;
};

// An engine with the model in memory, and what tokenises for it.
struct ModelLoading::Computing {
    std::unique_ptr<TextModel> model;
    std::shared_ptr<const llama::Model> tokeniser;
};

namespace {

// Of the whole load; the rest is context and warm-up.
constexpr double weights_share = 0.9;

// Of the whole load, where a model has to be copied first. What was just written is then read from
// the system's caches.
constexpr double conversion_share = 0.6;

// The native engine's weights take at most this part more than the file.
constexpr std::uint64_t native_extra_divisor = 7;

bool on_cpu(const worker::ChosenDevice& chosen) {
    return chosen.kind == "cpu";
}

MemoryRoom room_of(const worker::ChosenDevice& chosen, std::uint64_t floor_bytes) {
    if (on_cpu(chosen)) return {.free_bytes = worker::host_memory().free_bytes};
    MemoryRoom room{.place = llama::MemoryPlace::device};
    for (const worker::Device& device : chosen.devices) {
        room.free_bytes += device.memory_free_bytes;
        room.floor_bytes += floor_bytes;
    }
    return room;
}

ModelCard card_of(const worker::ModelFacts& facts) {
    const worker::RecommendedSampling& recommended = facts.recommended;
    return {.architecture = facts.architecture,
            .parameters = facts.parameters,
            .size_bytes = facts.size_bytes,
            .quantization = facts.quantization,
            .context_length = facts.context_length,
            .vocabulary_size = facts.vocabulary_size,
            .digest = facts.digest,
            .recommended = {.temperature = recommended.temperature,
                            .top_p = recommended.top_p,
                            .min_p = recommended.min_p,
                            .repetition_penalty = recommended.repetition_penalty,
                            .top_k = recommended.top_k}};
}

// What `inspect_model` will say of it.
Result<void> is_servable(const worker::ByteSource& file) {
    const worker::ByteSource* files[] = {&file};
    const auto facts = worker::inspect_sources(files);
    if (!facts) return worker::fail(facts.error());
    return {};
}

// What may be taken of the host's memory for nothing but speed.
std::uint64_t spare_bytes() {
    return std::min(worker::host_memory().free_bytes / 4, std::uint64_t{8} << 30);
}

}  // namespace

Result<LoadedModel> ModelLoading::load(const LoadObserver& observer,
                                       const std::atomic<bool>& interrupted) {
    Result<Plan> planned = plan(observer);
    if (!planned) return worker::fail(std::move(planned.error()));
    const worker::ModelFacts& facts = report_.facts;
    narrate("model_load", "Loads " + worker::format_bytes(facts.size_bytes) + " of " +
                              facts.architecture + " " + facts.quantization);
    auto computing = planned->engine == Engine::cpu ? load_native(*planned, observer, interrupted)
                                                    : load_llama(*planned, observer, interrupted);
    if (!computing) return worker::fail(std::move(computing.error()));

    report_.capabilities = computing->model->capabilities();
    report_.prefix_bytes_max = settings_.cache_bytes.value_or(spare_bytes());
    narrate("model_load_success", "Has the model in memory and is warm");
    const auto vocabulary = std::make_shared<llama::Vocabulary>(computing->tokeniser);
    ModelCard card = planned->card;
    card.bos_text = vocabulary->bos_text();
    card.eos_text = vocabulary->eos_text();
    return LoadedModel{.vocabulary = vocabulary,
                       .model = std::move(computing->model),
                       .kept_bytes_max = report_.prefix_bytes_max,
                       .card = std::move(card)};
}

Result<worker::ServableModel> ModelLoading::find_files(const LoadObserver& observer) {
    const auto found = worker::resolve_model(config_.model, places_);
    if (!found) return worker::fail(found.error());
    auto files = worker::servable_files(
        *found, places_,
        {.accepts = is_servable,
         .says = [this](const std::string& sentence) { narrate("model_convert", sentence); },
         .progress =
             [&](double fraction) {
                 converted_ = fraction * conversion_share;
                 return observer({.stage = "converting", .fraction = converted_});
             }});
    if (files && !files->note.empty()) log_.write(worker::LogLevel::warn, files->note);
    return files;
}

Result<ModelLoading::Plan> ModelLoading::plan(const LoadObserver& observer) {
    Plan plan;
    auto files = find_files(observer);
    if (!files) return worker::fail(std::move(files.error()));
    plan.files = std::move(*files);

    auto facts = worker::inspect_model(plan.files.paths);
    if (!facts) return worker::fail(std::move(facts.error()));
    report_.facts = std::move(*facts);

    auto chat_template = choose_chat_template(report_.facts, settings_.chat_template);
    if (!chat_template) return worker::fail(std::move(chat_template.error()));
    plan.card = card_of(report_.facts);
    plan.card.chat_template = std::move(*chat_template);

    report_.devices = library_.devices();
    const bool host_only = config_.engine == "cpu" && config_.backend == "auto";
    auto chosen = worker::choose_device(host_only ? "cpu" : config_.backend, config_.devices,
                                        report_.devices);
    if (!chosen) return worker::fail(std::move(chosen.error()));
    plan.chosen = std::move(*chosen);
    const worker::Device& first = plan.chosen.devices.front();
    report_.chosen = plan.chosen;
    report_.device = first.kind + ":" + std::to_string(first.index);
    auto engine = choose_engine(config_, first.kind, plan.files.paths);
    if (!engine) return worker::fail(std::move(engine.error()));
    plan.engine = engine->engine;
    plan.card.engine = report_.engine = name(engine->engine);
    narrate("device_init", "Computes on " + first.name + " with " +
                               (plan.engine == Engine::cpu ? "the native engine" : "libllama") +
                               (engine->reason.empty() ? "" : ", since " + engine->reason));

    MemoryRoom room = room_of(plan.chosen, config_.vram_floor_bytes);
    if (plan.engine == Engine::cpu)
        room.floor_bytes += report_.facts.size_bytes / native_extra_divisor;
    auto options = choose_sizes(report_.facts, config_, room);
    if (!options) return worker::fail(std::move(options.error()));
    plan.options = std::move(*options);
    plan.options.threads = config_.threads.value_or(worker::compute_threads());
    return plan;
}

bool ModelLoading::report_weights(const LoadObserver& observer, double fraction) const {
    const worker::ModelFacts& facts = report_.facts;
    return observer({.stage = "loading_to_vram",
                     .layers_loaded = static_cast<std::uint32_t>(fraction * facts.layers),
                     .layers_total = facts.layers,
                     .bytes_loaded = static_cast<std::uint64_t>(
                         fraction * static_cast<double>(facts.size_bytes)),
                     .fraction = converted_ + fraction * (weights_share - converted_)});
}

Result<void> ModelLoading::begin_warm_up(const LoadObserver& observer) {
    if (!observer({.stage = "warmup",
                   .layers_loaded = report_.facts.layers,
                   .layers_total = report_.facts.layers,
                   .bytes_loaded = report_.facts.size_bytes,
                   .fraction = weights_share}))
        return worker::fail(worker::ErrorCode::cancelled, "the load was given up");
    narrate("warmup", "Computes a first step, so that requests find all in place");
    return {};
}

Result<ModelLoading::Computing> ModelLoading::load_native(const Plan& plan,
                                                          const LoadObserver& observer,
                                                          const std::atomic<bool>& interrupted) {
    const auto isa = cpu::choose_isa(config_.cpu_isa);
    if (!isa) return worker::fail(isa.error());
    auto tokeniser =
        llama::load_model(library_, {.paths = plan.files.paths, .vocabulary_only = true},
                          [](double) { return true; });
    if (!tokeniser) return worker::fail(std::move(tokeniser.error()));
    cpu::Profile::Report report;
    if (config_.profile)
        report = [this](const std::string& line) { log_.write(worker::LogLevel::info, line); };
    auto model = cpu::TextModel::load(
        {.paths = plan.files.paths,
         .context_max = plan.options.context_max,
         .cells = plan.options.cells,
         .sequences_max = plan.options.sequences_max,
         .rows_max = plan.options.rows_max,
         .threads = plan.options.threads,
         .isa = *isa,
         .report = std::move(report)},
        [&](double fraction) { return report_weights(observer, fraction); }, interrupted);
    if (!model) return worker::fail(std::move(model.error()));
    if (Result<void> begun = begin_warm_up(observer); !begun) return worker::fail(begun.error());
    if (Result<void> warm = (*model)->warm_up(); !warm) return worker::fail(warm.error());
    library_.enter(llama::Phase::running);
    return Computing{.model = std::move(*model), .tokeniser = std::move(*tokeniser)};
}

Result<ModelLoading::Computing> ModelLoading::load_llama(const Plan& plan,
                                                         const LoadObserver& observer,
                                                         const std::atomic<bool>& interrupted) {
    auto weights = load_weights(plan, observer);
    if (!weights) return worker::fail(std::move(weights.error()));
    auto model = llama::TextModel::create(library_, *weights, plan.options, interrupted);
    if (!model) return worker::fail(std::move(model.error()));
    if (Result<void> begun = begin_warm_up(observer); !begun) return worker::fail(begun.error());
    if (Result<void> warm = (*model)->warm_up(); !warm) return worker::fail(warm.error());
    return Computing{.model = std::move(*model), .tokeniser = std::move(*weights)};
}

Result<std::shared_ptr<const llama::Model>> ModelLoading::load_weights(
    const Plan& plan, const LoadObserver& observer) {
    const auto split_mode = llama::parse_split_mode(config_.split_mode);
    if (!split_mode) return worker::fail(split_mode.error());
    llama::LoadOptions options{.paths = plan.files.paths,
                               .gpu_layers = config_.gpu_layers,
                               .split_mode = *split_mode,
                               .tensor_split = config_.tensor_split,
                               .mmap = config_.mmap,
                               .mlock = config_.mlock};
    if (!on_cpu(plan.chosen)) options.devices = plan.chosen.devices;
    return llama::load_model(library_, options,
                             [&](double fraction) { return report_weights(observer, fraction); });
}

void ModelLoading::narrate(std::string action, std::string human) {
    worker::Narration narration{.actor = "model-loader",
                                .action = std::move(action),
                                .target = config_.model_ref,
                                .human = std::move(human)};
    narration.model_ref = config_.model_ref;
    if (!report_.device.empty()) narration.device = report_.device;
    narrator_.narrate(std::move(narration));
}

namespace {

JsonObject model_json(const worker::ModelFacts& facts) {
    JsonObject model;
    model.add("architecture", facts.architecture)
        .add("name", facts.name)
        .add("quantization", facts.quantization)
        .add("n_params", facts.parameters)
        .add("size_bytes", facts.size_bytes)
        .add("context_length_trained", facts.context_length)
        .add("vocab_size", facts.vocabulary_size)
        .add("digest", facts.digest)
        .add("chat_template", facts.chat_template.has_value());
    return model;
}

std::vector<JsonObject> devices_json(const std::vector<worker::Device>& devices) {
    std::vector<JsonObject> objects;
    for (const worker::Device& device : devices)
        objects.push_back(JsonObject()
                              .add("index", device.index)
                              .add("name", device.name)
                              .add("kind", device.kind)
                              .add("vram_total_bytes", device.memory_total_bytes)
                              .add("vram_free_bytes", device.memory_free_bytes));
    return objects;
}

JsonObject limits_json(const Capabilities& can, const worker::Config& config) {
    JsonObject limits;
    limits.add("context_length", can.context_max)
        .add("slots", can.sequences_max)
        .add("kv_tokens", can.cells)
        .add("batch_size", can.rows_max)
        .add("max_queue", config.queue_max())
        .add("max_body_bytes", config.body_bytes_max)
        .add("request_timeout_ms", config.request_timeout.count());
    return limits;
}

// Free and total of the devices in use, as they are now.
worker::DeviceMemory device_memory(const llama::Library& library,
                                   const worker::ChosenDevice& chosen) {
    worker::DeviceMemory memory;
    for (const worker::Device& device : library.devices()) {
        const bool used = std::any_of(
            chosen.devices.begin(), chosen.devices.end(), [&](const worker::Device& one) {
                return one.kind == device.kind && one.index == device.index;
            });
        if (!used) continue;
        const bool first = memory.total_bytes == 0;
        memory.total_bytes += device.memory_total_bytes;
        memory.least_free_bytes = first
                                      ? device.memory_free_bytes
                                      : std::min(memory.least_free_bytes, device.memory_free_bytes);
    }
    return memory;
}

}  // namespace

worker::ServedModel ModelLoading::served_model() const {
    worker::ServedModel served{.device = report_.device,
                               .context_length = report_.capabilities.context_max};
    if (!on_cpu(report_.chosen))
        served.device_memory = [this] { return device_memory(library_, report_.chosen); };
    std::vector<std::string> capabilities{"text-generation", "streaming"};
    if (report_.prefix_bytes_max > 0)
        capabilities.push_back(report_.capabilities.prefix_saving == PrefixSaving::state
                                   ? "prefix-cache-whole"
                                   : "prefix-cache");
    served.details.add("model", model_json(report_.facts))
        .add("capabilities", capabilities)
        .add("engine", report_.engine)
        .add("devices", devices_json(report_.devices))
        .add("limits", limits_json(report_.capabilities, config_));
    return served;
}

}  // namespace llm

#include "llama/loading/loading.h"

#include "worker/base/quantities.h"
#include "worker/device/host_memory.h"
#include "worker/model_file/resolve.h"

#include <algorithm>
#include <utility>

namespace llama {

using worker::JsonObject;
using worker::LoadObserver;

namespace {

// Of the whole load; the rest is context and warm-up.
constexpr double weights_share = 0.9;

// Of the whole load, where a model has to be copied first: its weights are then written, and read
// again from memory.
constexpr double conversion_share = 0.6;

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

}  // namespace

Result<worker::ServableModel> Loading::find(const worker::Serves& serves,
                                            const LoadObserver& observer) {
    const auto found = worker::resolve_model(config_.model, places_);
    if (!found) return worker::fail(found.error());
    auto files = worker::servable_files(
        *found, places_,
        {.accepts = [&](const worker::ByteSource& header) -> Result<void> {
             const worker::ByteSource* headers[] = {&header};
             const auto judged = worker::inspect_sources(headers, serves);
             if (!judged) return worker::fail(judged.error());
             return {};
         },
         .says = [this](const std::string& sentence) { narrate("model_convert", sentence); },
         .progress =
             [&](double fraction) {
                 converted_ = fraction * conversion_share;
                 return observer({.stage = "converting", .fraction = converted_});
             }});
    if (!files) return files;
    if (!files->note.empty()) log_.write(worker::LogLevel::warn, files->note);
    auto facts = worker::inspect_model(files->paths, serves);
    if (!facts) return worker::fail(std::move(facts.error()));
    facts_ = std::move(*facts);
    return files;
}

Result<void> Loading::choose_device(const std::string& backend) {
    devices_ = library_.devices();
    auto chosen = worker::choose_device(backend, config_.devices, devices_);
    if (!chosen) return worker::fail(std::move(chosen.error()));
    chosen_ = std::move(*chosen);
    device_name_ = device().kind + ":" + std::to_string(device().index);
    return {};
}

MemoryRoom Loading::room() const {
    if (on_cpu()) return {.free_bytes = worker::host_memory().free_bytes};
    MemoryRoom room{.place = MemoryPlace::device};
    for (const worker::Device& each : in_use()) {
        room.free_bytes += each.memory_free_bytes;
        room.floor_bytes += config_.vram_floor_bytes;
    }
    return room;
}

Result<std::shared_ptr<const Model>> Loading::load_weights(const worker::ServableModel& files,
                                                           ModelUse use,
                                                           const LoadObserver& observer) {
    const auto split_mode = parse_split_mode(config_.split_mode);
    if (!split_mode) return worker::fail(split_mode.error());
    LoadOptions options{.paths = files.paths,
                        .gpu_layers = config_.gpu_layers,
                        .split_mode = *split_mode,
                        .tensor_split = config_.tensor_split,
                        .mmap = config_.mmap,
                        .mlock = config_.mlock,
                        .use = use};
    if (!on_cpu()) options.devices = chosen_.devices;
    return load_model(library_, options,
                      [&](double fraction) { return report_weights(observer, fraction); });
}

bool Loading::report_weights(const LoadObserver& observer, double fraction) const {
    return observer({.stage = "loading_to_vram",
                     .layers_loaded = static_cast<std::uint32_t>(fraction * facts_.layers),
                     .layers_total = facts_.layers,
                     .bytes_loaded = static_cast<std::uint64_t>(
                         fraction * static_cast<double>(facts_.size_bytes)),
                     .fraction = converted_ + fraction * (weights_share - converted_)});
}

Result<void> Loading::begin_warm_up(const LoadObserver& observer) {
    if (!observer({.stage = "warmup",
                   .layers_loaded = facts_.layers,
                   .layers_total = facts_.layers,
                   .bytes_loaded = facts_.size_bytes,
                   .fraction = weights_share}))
        return worker::fail(worker::ErrorCode::cancelled, "the load was given up");
    narrate("warmup", "Computes a first step, so that requests find all in place");
    return {};
}

void Loading::narrate_load() {
    narrate("model_load", "Loads " + worker::format_bytes(facts_.size_bytes) + " of " +
                              facts_.architecture + " " + facts_.quantization);
}

void Loading::narrate_device(std::string_view engine, std::string_view reason) {
    std::string sentence = "Computes on " + device().name + " with ";
    sentence.append(engine);
    if (!reason.empty()) sentence.append(", since ").append(reason);
    narrate("device_init", std::move(sentence));
}

void Loading::narrate(std::string action, std::string human) {
    worker::Narration narration{.actor = "model-loader",
                                .action = std::move(action),
                                .target = config_.model_ref,
                                .human = std::move(human)};
    narration.model_ref = config_.model_ref;
    if (!device_name_.empty()) narration.device = device_name_;
    narrator_.narrate(std::move(narration));
}

worker::ServedModel Loading::served_model(const Served& served) const {
    worker::ServedModel answer{.device = device_name_, .context_length = served.context_length};
    if (!on_cpu()) answer.device_memory = [this] { return device_memory(); };
    JsonObject limits = served.limits;
    limits.add("max_queue", config_.queue_max())
        .add("max_body_bytes", config_.body_bytes_max)
        .add("request_timeout_ms", config_.request_timeout.count());
    answer.details.add("model", model_json(facts_).add_all(served.model))
        .add("capabilities", served.capabilities)
        .add("engine", served.engine)
        .add("devices", devices_json(devices_))
        .add("limits", limits);
    return answer;
}

std::vector<worker::Device> Loading::in_use() const {
    std::vector<worker::Device> devices = library_.devices();
    std::erase_if(devices, [this](const worker::Device& each) {
        return std::ranges::none_of(chosen_.devices, [&](const worker::Device& one) {
            return one.kind == each.kind && one.index == each.index;
        });
    });
    return devices;
}

worker::DeviceMemory Loading::device_memory() const {
    worker::DeviceMemory memory;
    for (const worker::Device& each : in_use()) {
        const bool first = memory.total_bytes == 0;
        memory.total_bytes += each.memory_total_bytes;
        memory.least_free_bytes = first ? each.memory_free_bytes
                                        : std::min(memory.least_free_bytes, each.memory_free_bytes);
    }
    return memory;
}

llm::ModelCard card_of(const worker::ModelFacts& facts) {
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

LogSink log_to(worker::Log& log) {
    return [&log](worker::LogLevel level, std::string_view line) {
        log.write(level < worker::LogLevel::error ? worker::LogLevel::debug : level, line);
    };
}

}  // namespace llama

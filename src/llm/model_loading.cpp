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
#include <vector>

namespace llm {

using worker::LoadObserver;

// What is known before a weight is read.
struct ModelLoading::Plan {
    worker::ServableModel files;
    Engine engine = Engine::llama;
    llama::TextModelOptions options;  // The native engine's too, as far as it has them.
    ModelCard card;
};

// An engine with the model in memory, and what tokenises for it.
struct ModelLoading::Computing {
    std::unique_ptr<TextModel> model;
    std::shared_ptr<const llama::Vocabulary> vocabulary;
};

namespace {

// The native engine's weights take at most this part more than the file.
constexpr std::uint64_t native_extra_divisor = 7;

// What may be taken of the host's memory for nothing but speed.
std::uint64_t spare_bytes() {
    return std::min(worker::host_memory().free_bytes / 4, std::uint64_t{8} << 30);
}

}  // namespace

Result<LoadedModel> ModelLoading::load(const LoadObserver& observer,
                                       const std::atomic<bool>& interrupted) {
    Result<Plan> planned = plan(observer);
    if (!planned) return worker::fail(std::move(planned.error()));
    loading_.narrate_load();
    auto computing = planned->engine == Engine::cpu ? load_native(*planned, observer, interrupted)
                                                    : load_llama(*planned, observer, interrupted);
    if (!computing) return worker::fail(std::move(computing.error()));

    capabilities_ = computing->model->capabilities();
    prefix_bytes_max_ = settings_.cache_bytes.value_or(spare_bytes());
    loading_.narrate_success();
    ModelCard card = planned->card;
    card.bos_text = computing->vocabulary->bos_text();
    card.eos_text = computing->vocabulary->eos_text();
    return LoadedModel{.vocabulary = std::move(computing->vocabulary),
                       .model = std::move(computing->model),
                       .kept_bytes_max = prefix_bytes_max_,
                       .card = std::move(card)};
}

Result<ModelLoading::Plan> ModelLoading::plan(const LoadObserver& observer) {
    Plan plan;
    auto files =
        loading_.find({.kind = worker::generates_text, .purpose = "generates text"}, observer);
    if (!files) return worker::fail(std::move(files.error()));
    plan.files = std::move(*files);
    const worker::ModelFacts& facts = loading_.facts();

    auto chat_template = choose_chat_template(facts, settings_.chat_template);
    if (!chat_template) return worker::fail(std::move(chat_template.error()));
    plan.card = llama::card_of(facts);
    plan.card.chat_template = std::move(*chat_template);

    const bool host_only = settings_.engine == "cpu" && config_.backend == "auto";
    if (auto chosen = loading_.choose_device(host_only ? "cpu" : config_.backend); !chosen)
        return worker::fail(std::move(chosen.error()));
    auto engine = choose_engine({config_, settings_}, loading_.device().kind, plan.files.paths);
    if (!engine) return worker::fail(std::move(engine.error()));
    plan.engine = engine->engine;
    plan.card.engine = engine_ = name(engine->engine);
    loading_.narrate_device(plan.engine == Engine::cpu ? "the native engine" : "libllama",
                            engine->reason);

    llama::MemoryRoom room = loading_.room();
    if (plan.engine == Engine::cpu) room.floor_bytes += facts.size_bytes / native_extra_divisor;
    auto options = choose_sizes(facts, {config_, settings_}, room);
    if (!options) return worker::fail(std::move(options.error()));
    plan.options = std::move(*options);
    plan.options.threads = config_.threads.value_or(worker::compute_threads());
    return plan;
}

Result<ModelLoading::Computing> ModelLoading::load_native(const Plan& plan,
                                                          const LoadObserver& observer,
                                                          const std::atomic<bool>& interrupted) {
    const auto isa = cpu::choose_isa(settings_.cpu_isa);
    if (!isa) return worker::fail(isa.error());
    auto tokeniser =
        llama::load_model(library_, {.paths = plan.files.paths, .vocabulary_only = true},
                          [](double) { return true; });
    if (!tokeniser) return worker::fail(std::move(tokeniser.error()));
    auto vocabulary = std::make_shared<const llama::Vocabulary>(std::move(*tokeniser));
    cpu::Profile::Report report;
    if (settings_.profile)
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
        [&](double fraction) { return loading_.report_weights(observer, fraction); }, interrupted);
    if (!model) return worker::fail(std::move(model.error()));
    if (Result<void> begun = loading_.begin_warm_up(observer); !begun)
        return worker::fail(begun.error());
    if (Result<void> warm = (*model)->warm_up(); !warm) return worker::fail(warm.error());
    library_.enter(llama::Phase::running);
    return Computing{.model = std::move(*model), .vocabulary = std::move(vocabulary)};
}

Result<ModelLoading::Computing> ModelLoading::load_llama(const Plan& plan,
                                                         const LoadObserver& observer,
                                                         const std::atomic<bool>& interrupted) {
    auto weights = loading_.load_weights(plan.files, llama::ModelUse::text, observer);
    if (!weights) return worker::fail(std::move(weights.error()));
    auto vocabulary = std::make_shared<const llama::Vocabulary>(*weights);
    auto model = llama::TextModel::create(library_, *weights, plan.options, interrupted);
    if (!model) return worker::fail(std::move(model.error()));
    if (Result<void> begun = loading_.begin_warm_up(observer); !begun)
        return worker::fail(begun.error());
    if (Result<void> warm = (*model)->warm_up(); !warm) return worker::fail(warm.error());
    return Computing{.model = std::move(*model), .vocabulary = std::move(vocabulary)};
}

worker::ServedModel ModelLoading::served_model() const {
    std::vector<std::string> capabilities{"text-generation", "streaming"};
    if (prefix_bytes_max_ > 0)
        capabilities.push_back(capabilities_.prefix_saving == PrefixSaving::state
                                   ? "prefix-cache-whole"
                                   : "prefix-cache");
    return loading_.served_model({.capabilities = std::move(capabilities),
                                  .engine = engine_,
                                  .context_length = capabilities_.context_max,
                                  .limits = worker::JsonObject()
                                                .add("context_length", capabilities_.context_max)
                                                .add("slots", capabilities_.sequences_max)
                                                .add("kv_tokens", capabilities_.cells)
                                                .add("batch_size", capabilities_.rows_max)});
}

}  // namespace llm

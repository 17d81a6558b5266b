#include "embedding/embedding_loading.h"

#include "llama/embedding_model.h"
#include "llama/loading/embedding_sizes.h"
#include "llama/vocabulary.h"
#include "worker/device/cpu_threads.h"

#include <memory>
#include <string>
#include <utility>

namespace embedding {

namespace {

constexpr const char* engine = "llama";

constexpr bool embeds(worker::ModelKind kind) {
    return kind == worker::ModelKind::encoder || kind == worker::ModelKind::attention;
}

}  // namespace

Result<LoadedModel> EmbeddingLoading::load(const worker::LoadObserver& observer,
                                           const std::atomic<bool>& interrupted) {
    const auto files =
        loading_.find({.kind = embeds, .purpose = "turns texts into vectors"}, observer);
    if (!files) return worker::fail(files.error());
    const worker::ModelFacts& facts = loading_.facts();
    if (auto pools = llama::check_pooling(facts.pooling); !pools)
        return worker::fail(std::move(pools.error()));
    if (auto chosen = loading_.choose_device(config_.backend); !chosen)
        return worker::fail(std::move(chosen.error()));
    loading_.narrate_device("libllama");
    auto options = llama::choose_embedding_sizes(facts, config_, loading_.room());
    if (!options) return worker::fail(std::move(options.error()));
    options->threads = config_.threads.value_or(worker::compute_threads());

    if (config_.context_size.value_or(0) > options->context_max)
        log_.write(worker::LogLevel::warn, "The model reads texts of " +
                                               std::to_string(options->context_max) +
                                               " tokens at most: --context-size asks for more");

    loading_.narrate_load();
    auto weights = loading_.load_weights(*files, llama::ModelUse::embeddings, observer);
    if (!weights) return worker::fail(std::move(weights.error()));
    auto vocabulary = std::make_shared<const llama::Vocabulary>(*weights);
    auto model =
        llama::EmbeddingModel::create(library_, std::move(*weights), *options, interrupted);
    if (!model) return worker::fail(std::move(model.error()));
    if (auto begun = loading_.begin_warm_up(observer); !begun) return worker::fail(begun.error());
    if (auto warm = (*model)->warm_up(config_.batch_size); !warm) return worker::fail(warm.error());
    capabilities_ = (*model)->capabilities();
    loading_.narrate_success();
    llm::ModelCard card = llama::card_of(facts);
    card.engine = engine;
    return LoadedModel{.vocabulary = std::move(vocabulary),
                       .model = std::move(*model),
                       .step_rows = config_.batch_size,
                       .card = std::move(card)};
}

worker::ServedModel EmbeddingLoading::served_model() const {
    const Capabilities& can = capabilities_;
    return loading_.served_model(
        {.model = worker::JsonObject()
                      .add("dimensions", can.dimensions)
                      .add("pooling", worker::wire_name(loading_.facts().pooling)),
         .capabilities = {"embeddings", "streaming"},
         .engine = engine,
         .context_length = can.context_max,
         .limits = worker::JsonObject()
                       .add("context_length", can.context_max)
                       .add("slots", config_.parallel)
                       .add("batch_size", config_.batch_size)});
}

}  // namespace embedding

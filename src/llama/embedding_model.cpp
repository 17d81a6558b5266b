#include "llama/embedding_model.h"

#include "worker/base/assert.h"

#include <llama.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace llama {

using embedding::Capabilities;
using embedding::Text;
using embedding::Vectors;
using worker::ErrorCode;
using worker::fail;

namespace {

llama_context_params context_params(const EmbeddingModelOptions& options) {
    llama_context_params params = llama_context_default_params();
    // libllama tries its graph with as many tokens in each text, and asserts on a rest.
    const std::uint32_t rows =
        (options.rows_max + options.texts_max - 1) / options.texts_max * options.texts_max;
    params.n_ctx = rows;
    params.n_batch = rows;
    params.n_ubatch = rows;  // Pooled are one ubatch's rows: no text may be in two of them.
    params.n_seq_max = options.texts_max;
    params.kv_unified = true;  // Else every text had its even share of the cells and no more.
    params.embeddings = true;
    return params;
}

worker::Pooling pooling_of(const llama_context* context) {
    switch (llama_pooling_type(context)) {
        case LLAMA_POOLING_TYPE_MEAN: return worker::Pooling::mean;
        case LLAMA_POOLING_TYPE_CLS: return worker::Pooling::first;
        case LLAMA_POOLING_TYPE_LAST: return worker::Pooling::last;
        case LLAMA_POOLING_TYPE_RANK: return worker::Pooling::rank;
        default: return worker::Pooling::none;
    }
}

Capabilities capabilities_of(const Model& model, const EmbeddingModelOptions& options) {
    return {.vocabulary_size = static_cast<std::uint32_t>(llama_vocab_n_tokens(model.vocabulary())),
            .dimensions = static_cast<std::uint32_t>(llama_model_n_embd_out(model.handle())),
            .context_max = options.context_max,
            .rows_max = options.rows_max,
            .texts_max = options.texts_max};
}

// To length 1. What has no direction stays as it is; what has no length becomes NaN.
void normalise(std::span<const float> from, std::span<float> to) {
    double squares = 0;
    for (const float value : from) squares += double{value} * value;
    const double length = std::sqrt(squares);
    if (!std::isfinite(length)) {
        std::ranges::fill(to, std::numeric_limits<float>::quiet_NaN());
        return;
    }
    const double factor = length > 0 ? 1 / length : 0;
    std::ranges::transform(from, to.begin(),
                           [&](float value) { return static_cast<float>(value * factor); });
}

tl::unexpected<worker::Error> too_much(std::size_t given, const char* what, std::uint32_t most) {
    return fail(ErrorCode::invalid_request, std::to_string(given) + what + std::to_string(most));
}

}  // namespace

Result<void> check_pooling(worker::Pooling pooling) {
    if (pooling == worker::Pooling::none) {
        return fail(ErrorCode::model_unsupported,
                    "the model's file does not say how a text becomes one vector (pooling_type); "
                    "name a model for embeddings");
    }
    if (pooling == worker::Pooling::rank) {
        return fail(ErrorCode::model_unsupported,
                    "the model ranks texts and gives no vectors; name a model for embeddings");
    }
    return {};
}

Result<std::unique_ptr<EmbeddingModel>> EmbeddingModel::create(
    Library& library, std::shared_ptr<const Model> model, const EmbeddingModelOptions& options,
    const std::atomic<bool>& interrupted) {
    WORKER_ASSERT(options.context_max > 0 && options.threads > 0);
    WORKER_ASSERT(options.rows_max >= options.context_max);
    WORKER_ASSERT(options.texts_max > 0 && options.texts_max <= embedded_texts_max);
    auto context = Context::create({library, std::move(model), options.threads, interrupted},
                                   context_params(options));
    if (!context) return fail(std::move(context.error()));
    if (auto pools = check_pooling(pooling_of((*context)->handle())); !pools)
        return fail(std::move(pools.error()));
    return std::unique_ptr<EmbeddingModel>(new EmbeddingModel(std::move(*context), options));
}

EmbeddingModel::EmbeddingModel(std::unique_ptr<Context> context,
                               const EmbeddingModelOptions& options)
    : context_(std::move(context)),
      capabilities_(capabilities_of(context_->model(), options)),
      rows_(options.rows_max),
      values_(std::size_t{options.texts_max} * capabilities_.dimensions) {}

Result<void> EmbeddingModel::warm_up(std::uint32_t tokens) {
    const std::vector<llm::Token> text(std::clamp(tokens, 1u, capabilities_.context_max), 0);
    const Text texts[] = {text};
    const auto embedded = embed(texts);
    if (!embedded && embedded.error().code == ErrorCode::cancelled) return fail(embedded.error());
    if (!embedded) return fail(context_->warm_up_failed());
    context_->warmed_up();
    return {};
}

std::uint64_t EmbeddingModel::host_bytes() const {
    return context_->buffers().host + output_bytes_;
}

Result<Vectors> EmbeddingModel::embed(std::span<const Text> texts) {
    if (texts.empty()) return Vectors{{}, capabilities_.dimensions};
    if (auto fits = check_fits(texts); !fits) return fail(std::move(fits.error()));
    if (auto computed = compute(texts); !computed) return fail(std::move(computed.error()));
    const std::size_t width = capabilities_.dimensions;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const float* vector =
            llama_get_embeddings_seq(context_->handle(), static_cast<llama_seq_id>(i));
        if (!vector) return fail(ErrorCode::inference_failed, "the model gave no vector");
        normalise({vector, width}, std::span(values_).subspan(i * width, width));
    }
    return Vectors{std::span(values_).first(texts.size() * width), capabilities_.dimensions};
}

Result<void> EmbeddingModel::check_fits(std::span<const Text> texts) const {
    const Capabilities& can = capabilities_;
    if (texts.size() > can.texts_max)
        return too_much(texts.size(), " texts, and at once the model takes ", can.texts_max);
    std::size_t rows = 0;
    for (const Text text : texts) {
        if (text.empty()) return fail(ErrorCode::invalid_request, "a text has no tokens");
        if (text.size() > can.context_max)
            return too_much(text.size(), " tokens in a text, and the model reads ",
                            can.context_max);
        rows += text.size();
    }
    if (rows > can.rows_max)
        return too_much(rows, " tokens, and at once the model takes ", can.rows_max);
    return {};
}

Result<void> EmbeddingModel::compute(std::span<const Text> texts) {
    rows_.clear();
    for (std::size_t i = 0; i < texts.size(); ++i)
        rows_.append(static_cast<llama_seq_id>(i), 0, texts[i], BatchRows::Outputs::all);
    // Encoders have none: what they compute is forgotten at once.
    const llama_memory_t memory = llama_get_memory(context_->handle());
    if (memory) llama_memory_clear(memory, false);
    const int status = memory ? llama_decode(context_->handle(), rows_.batch())
                              : llama_encode(context_->handle(), rows_.batch());
    switch (status) {
        case 0: break;
        case 2: return fail(ErrorCode::cancelled, "the worker is shutting down");
        default: return fail(ErrorCode::inference_failed, "the model could not compute this step");
    }
    // Rows of logits, which nobody reads, and of vectors. Source: llama_context::output_reserve.
    const std::uint64_t row =
        std::uint64_t{capabilities_.vocabulary_size} + capabilities_.dimensions;
    output_bytes_ = std::max(output_bytes_, rows_.size() * row * sizeof(float));
    return {};
}

}  // namespace llama

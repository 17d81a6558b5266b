#pragma once

#include "embedding/model/embedding_model.h"
#include "llama/batch_rows.h"
#include "llama/context.h"
#include "llama/model.h"
#include "worker/model_file/model_facts.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace llama {

// Texts at once at the most, of any library's build.
inline constexpr std::uint32_t embedded_texts_max = 256;  // LLAMA_MAX_SEQ

struct EmbeddingModelOptions {
    std::uint32_t context_max = 512;  // tokens in one text
    std::uint32_t rows_max = 512;     // tokens at once; at least `context_max`
    std::uint32_t texts_max = 1;      // at once; at most `embedded_texts_max`
    std::uint32_t threads = 1;
};

// Errors: model_unsupported where a text does not become one vector.
Result<void> check_pooling(worker::Pooling pooling);

// A model that turns texts into vectors, computed by libllama: an encoder, or a decoder with
// pooling. Thread: one, the engine thread.
class EmbeddingModel final : public embedding::EmbeddingModel {
public:
    // Allocates compute buffers, and cells for decoders. What is computed ends soon after
    // `interrupted` is set, from any thread: for shutdown only, since it stops all texts; it does
    // not reach what GPUs compute. Requires: `library` and `interrupted` outlive the model, which
    // has weights. Errors: model_unsupported, insufficient_memory, insufficient_vram.
    static Result<std::unique_ptr<EmbeddingModel>> create(Library& library,
                                                          std::shared_ptr<const Model> model,
                                                          const EmbeddingModelOptions& options,
                                                          const std::atomic<bool>& interrupted);

    // Computes a text of so many tokens, or of as many as fit, so that memory which libllama takes
    // when first needed is taken now. From here on a failed assertion is the engine's
    // (`Phase::running`). Errors: internal, cancelled.
    Result<void> warm_up(std::uint32_t tokens);

    const embedding::Capabilities& capabilities() const override { return capabilities_; }
    Result<embedding::Vectors> embed(std::span<const embedding::Text> texts) override;

    // Weights, cells, compute and output buffers. Host memory includes weights that are mapped from
    // the file; neither counts a GPU driver's own memory.
    std::uint64_t device_bytes() const override { return context_->buffers().device; }
    std::uint64_t host_bytes() const override;

private:
    EmbeddingModel(std::unique_ptr<Context> context, const EmbeddingModelOptions& options);

    Result<void> check_fits(std::span<const embedding::Text> texts) const;
    Result<void> compute(std::span<const embedding::Text> texts);

    const std::unique_ptr<Context> context_;
    const embedding::Capabilities capabilities_;
    BatchRows rows_;
    std::vector<float> values_;       // [texts_max][dimensions]
    std::uint64_t output_bytes_ = 0;  // libllama's, for the most rows so far
};

}  // namespace llama

#pragma once

#include "llama/batch_rows.h"
#include "llama/context.h"
#include "llama/model.h"
#include "llm/model/text_model.h"
#include "worker/model_file/ggml_type.h"

#include <atomic>
#include <memory>
#include <span>
#include <vector>

namespace llama {

// A type that keys and values can be stored as, by llama.cpp's name: f32 f16 bf16 q8_0 q4_0 q4_1
// iq4_nl q5_0 q5_1. Errors: config_invalid, naming these.
Result<const worker::GgmlType*> find_kv_type(std::string_view name);

// Attention in one kernel instead of three products; computes with less precision.
enum class FlashAttention : std::uint8_t { where_able, off };

struct TextModelOptions {
    std::uint32_t context_max = 0;    // tokens in one sequence
    std::uint32_t cells = 0;          // KV cells; libllama rounds up to a multiple of 256
    std::uint32_t sequences_max = 1;  // below 256; each costs a row of logits
    std::uint32_t rows_max = 512;     // tokens in one forward()
    std::uint32_t threads = 1;
    const worker::GgmlType* kv_type = nullptr;  // of `find_kv_type`; null: f16
    FlashAttention flash_attention = FlashAttention::where_able;
};

// A language model computed by libllama. Thread: one, the engine thread.
class TextModel final : public llm::TextModel {
public:
    // Allocates KV cache and compute buffers. A forward() under way ends soon after `interrupted`
    // is set, from any thread: for shutdown only, since it stops all sequences; it does not reach
    // what GPUs compute. Requires: `library` and `interrupted` outlive the model, which has
    // weights. Errors: insufficient_memory, insufficient_vram, with libllama's reason.
    static Result<std::unique_ptr<TextModel>> create(Library& library,
                                                     std::shared_ptr<const Model> model,
                                                     const TextModelOptions& options,
                                                     const std::atomic<bool>& interrupted);

    // Computes the largest step and a decode of all sequences, so that memory which libllama takes
    // when first needed is taken now, then forgets them. From here on a failed assertion is the
    // engine's (`Phase::running`). Errors: internal, cancelled.
    Result<void> warm_up();

    const llm::Capabilities& capabilities() const override { return capabilities_; }
    tl::expected<llm::Logits, llm::ForwardError> forward(std::span<const llm::Run> runs) override;
    bool share_prefix(llm::SequenceId from, llm::SequenceId to, std::uint32_t length) override;
    bool truncate(llm::SequenceId sequence, std::uint32_t length) override;
    void release(llm::SequenceId sequence) override;
    std::vector<std::byte> save(llm::SequenceId sequence, std::uint32_t from) override;
    bool restore(llm::SequenceId sequence, std::uint32_t from,
                 std::span<const std::byte> bytes) override;

    // Weights, KV cache and compute buffers as libllama reports them. Host memory includes weights
    // that are mapped from the file; neither counts a GPU driver's own memory.
    std::uint64_t device_bytes() const override { return context_->buffers().device; }
    std::uint64_t host_bytes() const override { return context_->buffers().host; }

private:
    TextModel(std::unique_ptr<Context> context, const TextModelOptions& options);

    bool can_continue_at(llm::SequenceId sequence, std::uint32_t length) const;
    // The id of no text, for cells on their way.
    llm::SequenceId passage() const;

    const std::unique_ptr<Context> context_;
    const llm::Capabilities capabilities_;
    const std::uint32_t window_;  // tokens that attention looks back on; 0: all
    BatchRows rows_;              // of a step
};

}  // namespace llama

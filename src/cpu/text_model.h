#pragma once

#include "cpu/forward_pass.h"
#include "cpu/kernels/isa.h"
#include "cpu/kv_pages.h"
#include "cpu/model_files.h"
#include "cpu/model_shape.h"
#include "cpu/profile.h"
#include "cpu/rotary.h"
#include "cpu/thread_team.h"
#include "cpu/weights.h"
#include "llm/model/text_model.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cpu {

struct TextModelOptions {
    std::vector<std::filesystem::path> paths = {};  // one file, or all shards in order
    std::uint32_t context_max = 0;                  // tokens in one sequence
    std::uint32_t cells = 0;                        // KV cells
    std::uint32_t sequences_max = 1;
    std::uint32_t rows_max = 512;  // tokens in one forward()
    std::uint32_t threads = 1;
    Isa isa = Isa::portable;
    // Hears where the time went, some seconds' work at a time. Thread: that of forward().
    std::function<void(const std::string&)> report = nullptr;
};

// Whether this engine computes the model. Errors: model_unsupported, with a phrase that says what
// it does not know; those of reading the files.
Result<void> check_supported(const std::vector<std::filesystem::path>& paths);

// A language model computed on the CPU by our own kernels. Thread: one, the engine thread.
class TextModel final : public llm::TextModel {
public:
    // `progress` hears the share of weights loaded; false gives up. A forward() under way ends soon
    // after `interrupted` is set, from any thread. Requires: `interrupted` outlives the model.
    // Errors: as of `check_supported`; insufficient_memory, cancelled.
    static Result<std::unique_ptr<TextModel>> load(const TextModelOptions& options,
                                                   const std::function<bool(double)>& progress,
                                                   const std::atomic<bool>& interrupted);

    // Of files that are open already; those of the options are not read.
    static Result<std::unique_ptr<TextModel>> load(const ModelFiles& files,
                                                   const TextModelOptions& options,
                                                   const std::function<bool(double)>& progress,
                                                   const std::atomic<bool>& interrupted);

    // Computes a token and forgets it. Errors: internal, cancelled.
    Result<void> warm_up();

    const llm::Capabilities& capabilities() const override { return capabilities_; }
    tl::expected<llm::Logits, llm::ForwardError> forward(std::span<const llm::Run> runs) override;
    bool share_prefix(llm::SequenceId from, llm::SequenceId to, std::uint32_t length) override;
    bool truncate(llm::SequenceId sequence, std::uint32_t length) override;
    void release(llm::SequenceId sequence) override;
    std::vector<std::byte> save(llm::SequenceId sequence, std::uint32_t from) override;
    bool restore(llm::SequenceId sequence, std::uint32_t from,
                 std::span<const std::byte> bytes) override;

    std::uint64_t device_bytes() const override { return 0; }
    // Weights, pages for all cells, and buffers.
    std::uint64_t host_bytes() const override;

private:
    TextModel(const ModelShape& shape, Weights weights, const TextModelOptions& options,
              std::unique_ptr<ThreadTeam> team, const std::atomic<bool>& interrupted);

    // False, and nothing changed, where there is no room for all runs.
    bool grow(std::span<const llm::Run> runs);
    void fill_batch(std::span<const llm::Run> runs);

    const ModelShape shape_;
    const Weights weights_;
    const Rotary rotary_;
    const std::atomic<bool>& interrupted_;
    llm::Capabilities capabilities_;
    const std::unique_ptr<ThreadTeam> team_;
    Profile profile_;
    KvPages pages_;
    ForwardPass pass_;
    Batch batch_;
    std::vector<float> logits_;  // [output_rows_max][vocabulary]
};

}  // namespace cpu

#pragma once

#include "llama/library.h"
#include "llama/log_lines.h"
#include "worker/base/result.h"
#include "worker/device/device.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct llama_model;
struct llama_vocab;

namespace llama {

using worker::Result;

// How a model is spread over several GPUs. Source: llama_split_mode in llama.h.
enum class SplitMode : std::uint8_t { none, layer, row, tensor };

// Errors: config_invalid, naming what there is.
Result<SplitMode> parse_split_mode(std::string_view name);

// What a model is loaded for: one that does not generate text is refused where that is wanted.
enum class ModelUse : std::uint8_t { text, embeddings };

struct LoadOptions {
    std::vector<std::filesystem::path> paths = {};  // one file, or all shards in order
    std::vector<worker::Device> devices = {};       // Of `Library::devices`; no GPU: CPU only.
    std::optional<std::int32_t> gpu_layers = {};    // unset: all
    SplitMode split_mode = SplitMode::layer;
    std::vector<float> tensor_split = {};  // share of each of `devices`; empty: by free memory
    bool mmap = true;
    bool mlock = false;
    bool check_tensors = false;    // look at every weight for values that cannot be
    bool vocabulary_only = false;  // no weights: to tokenise for another engine
    ModelUse use = ModelUse::text;
};

// Weights and vocabulary in memory. Immutable. Thread: any.
class Model {
public:
    Model(llama_model* model, BufferBytes buffers);
    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    llama_model* handle() const { return model_; }
    const llama_vocab* vocabulary() const;

    BufferBytes buffers() const { return buffers_; }  // Weights.
    std::uint32_t context_trained() const;            // tokens; 0 where the model does not say
    // None where the file has none.
    std::optional<std::string> chat_template() const;

private:
    llama_model* const model_;
    const BufferBytes buffers_;
};

// Called with 0..1 as weights arrive; false gives up.
using LoadProgress = std::function<bool(double fraction)>;

// Errors: device_unavailable, cancelled, and with libllama's reason model_corrupt,
// model_unsupported, insufficient_memory, insufficient_vram.
Result<std::shared_ptr<const Model>> load_model(Library& library, const LoadOptions& options,
                                                const LoadProgress& progress);

}  // namespace llama

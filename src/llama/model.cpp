#include "llama/model.h"

#include "llama/ggml_devices.h"

#include <ggml-backend.h>
#include <llama.h>

#include <algorithm>
#include <array>
#include <utility>

namespace llama {

using worker::ErrorCode;
using worker::fail;

namespace {

constexpr std::array split_modes = {
    std::pair{std::string_view("none"), SplitMode::none},
    std::pair{std::string_view("layer"), SplitMode::layer},
    std::pair{std::string_view("row"), SplitMode::row},
    std::pair{std::string_view("tensor"), SplitMode::tensor},
};

llama_split_mode to_llama(SplitMode mode) {
    switch (mode) {
        case SplitMode::none: return LLAMA_SPLIT_MODE_NONE;
        case SplitMode::layer: return LLAMA_SPLIT_MODE_LAYER;
        case SplitMode::row: return LLAMA_SPLIT_MODE_ROW;
        case SplitMode::tensor: return LLAMA_SPLIT_MODE_TENSOR;
    }
    __builtin_unreachable();
}

llama_load_mode load_mode(const LoadOptions& options) {
    if (options.mmap) return options.mlock ? LLAMA_LOAD_MODE_MMAP_MLOCK : LLAMA_LOAD_MODE_MMAP;
    return options.mlock ? LLAMA_LOAD_MODE_MLOCK : LLAMA_LOAD_MODE_NONE;
}

// The GPUs that were asked for, and the null that ends such a list. The processor is always there.
Result<std::vector<ggml_backend_dev_t>> find_gpus(const std::vector<worker::Device>& wanted) {
    const std::vector<GgmlDevice> known = ggml_devices();
    std::vector<ggml_backend_dev_t> gpus;
    for (const worker::Device& device : wanted) {
        const auto found = std::find_if(known.begin(), known.end(), [&](const GgmlDevice& each) {
            return each.facts.kind == device.kind && each.facts.index == device.index;
        });
        if (found == known.end()) {
            return fail(ErrorCode::device_unavailable,
                        "there is no device " + device.kind + ":" + std::to_string(device.index));
        }
        if (device.kind != "cpu") gpus.push_back(found->handle);
    }
    gpus.push_back(nullptr);
    return gpus;
}

// libllama tells by words only. What is not among these is wrong with the file.
// Source: the messages of llama-model.cpp and llama-vocab.cpp.
ErrorCode code_of(std::string_view reason, bool on_gpu) {
    const auto says = [&](std::string_view words) {
        return reason.find(words) != std::string_view::npos;
    };
    if (says("unknown model architecture") || says("unknown pre-tokenizer type") ||
        says("unknown tokenizer")) {
        return ErrorCode::model_unsupported;
    }
    if (says("unable to allocate") || says("failed to allocate") || says("out of memory") ||
        says("bad_alloc")) {
        return on_gpu ? ErrorCode::insufficient_vram : ErrorCode::insufficient_memory;
    }
    return ErrorCode::model_corrupt;
}

bool generates_text(const llama_model* model) {
    return llama_model_has_decoder(model) && !llama_model_has_encoder(model) &&
           !llama_model_is_diffusion(model);
}

struct ProgressState {
    const LoadProgress& report;
    bool cancelled = false;
};

bool on_progress(float fraction, void* user_data) {
    auto& state = *static_cast<ProgressState*>(user_data);
    state.cancelled = state.cancelled || !state.report(fraction);
    return !state.cancelled;
}

llama_model* load(const LoadOptions& options, llama_model_params params) {
    std::vector<const char*> paths;
    for (const std::filesystem::path& path : options.paths) paths.push_back(path.c_str());
    if (paths.size() == 1) return llama_model_load_from_file(paths.front(), params);
    return llama_model_load_from_splits(paths.data(), paths.size(), params);
}

}  // namespace

Result<SplitMode> parse_split_mode(std::string_view name) {
    for (const auto& [word, mode] : split_modes) {
        if (word == name) return mode;
    }
    return fail(ErrorCode::config_invalid, "split mode \"" + std::string(name) +
                                               "\" is not known: use none, layer, row or tensor");
}

Model::Model(llama_model* model, BufferBytes buffers) : model_(model), buffers_(buffers) {}

Model::~Model() {
    llama_model_free(model_);
}

const llama_vocab* Model::vocabulary() const {
    return llama_model_get_vocab(model_);
}

std::uint32_t Model::context_trained() const {
    return static_cast<std::uint32_t>(std::max(0, llama_model_n_ctx_train(model_)));
}

std::optional<std::string> Model::chat_template() const {
    const char* text = llama_model_chat_template(model_, nullptr);
    return text ? std::optional<std::string>(text) : std::nullopt;
}

Result<std::shared_ptr<const Model>> load_model(Library& library, const LoadOptions& options,
                                                const LoadProgress& progress) {
    Result<std::vector<ggml_backend_dev_t>> gpus = find_gpus(options.devices);
    if (!gpus) return fail(std::move(gpus.error()));
    std::vector<float> split = options.tensor_split;
    split.resize(llama_max_devices(), 0);
    ProgressState state{progress};

    llama_model_params params = llama_model_default_params();
    params.devices = gpus->data();
    params.n_gpu_layers = options.gpu_layers.value_or(-1);
    params.split_mode = to_llama(options.split_mode);
    params.load_mode = load_mode(options);
    params.main_gpu = 0;
    params.tensor_split = options.tensor_split.empty() ? nullptr : split.data();
    params.progress_callback = on_progress;
    params.progress_callback_user_data = &state;
    params.check_tensors = options.check_tensors;
    params.vocab_only = options.vocabulary_only;

    library.enter(Phase::loading);
    library.take_reason();
    const BufferBytes before = library.buffers_allocated();
    llama_model* loaded = load(options, params);
    if (state.cancelled) {
        if (loaded) llama_model_free(loaded);
        return fail(ErrorCode::cancelled, "loading was given up");
    }
    if (!loaded) {
        const std::string reason = library.take_reason();
        return fail(code_of(reason, gpus->size() > 1), "libllama: " + reason);
    }
    auto model = std::make_shared<const Model>(loaded, library.buffers_allocated() - before);
    if (!options.vocabulary_only && options.use == ModelUse::text && !generates_text(loaded)) {
        return fail(ErrorCode::model_unsupported, "the model does not generate text");
    }
    return model;
}

}  // namespace llama

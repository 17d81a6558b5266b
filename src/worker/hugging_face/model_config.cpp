#include "worker/hugging_face/model_config.h"

#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/rotary_plan.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

constexpr unsigned own_head_dim = ModelFamily::own_head_dim;
constexpr unsigned whole_rotation = ModelFamily::whole_rotation;
constexpr unsigned rotary_factors = ModelFamily::rotary_factors;
constexpr unsigned long_factors = ModelFamily::long_factors;

constexpr std::uint32_t layers_max = 512;  // LLAMA_MAX_LAYERS

// clang-format off
constexpr ModelFamily llama{
    "llama", "model.", own_head_dim | whole_rotation | rotary_factors | long_factors,
    "rms_norm_eps", "attention.layer_norm_rms_epsilon", 1e-6, 1, {"silu", "swish"}};
constexpr ModelFamily qwen2{
    "qwen2", "model.", whole_rotation,
    "rms_norm_eps", "attention.layer_norm_rms_epsilon", 1e-6, 1, {"silu", "swish"}};
constexpr ModelFamily qwen3{
    "qwen3", "model.", own_head_dim | whole_rotation,
    "rms_norm_eps", "attention.layer_norm_rms_epsilon", 1e-6, 1, {"silu", "swish"}};
constexpr ModelFamily phi3{
    "phi3", "model.", long_factors,
    "rms_norm_eps", "attention.layer_norm_rms_epsilon", 1e-5, 1, {"silu", "swish"}};
constexpr ModelFamily phi2{
    "phi2", "model.", 0,
    "layer_norm_eps", "attention.layer_norm_epsilon", 1e-5, 0.5, {"gelu_new", "gelu_pytorch_tanh"}};
constexpr ModelFamily bert{
    "bert", "bert.", ModelFamily::encoder,
    "layer_norm_eps", "attention.layer_norm_epsilon", 1e-12, 0,
    {"gelu", "gelu_new", "gelu_pytorch_tanh"}};
// clang-format on

// When attention reaches back over a window only.
enum class Window : std::uint8_t { never, given, wanted };

struct ModelClass {
    std::string_view name;  // in "architectures" of config.json
    const ModelFamily* family;
    bool has_head;
    Window window;  // `given`: where there is a size; `wanted`: where a flag says so, too
};

constexpr std::array classes{
    ModelClass{"LlamaForCausalLM", &llama, true, Window::never},
    ModelClass{"LlamaModel", &llama, false, Window::never},
    ModelClass{"MistralForCausalLM", &llama, true, Window::given},
    ModelClass{"MistralModel", &llama, false, Window::given},
    ModelClass{"Qwen2ForCausalLM", &qwen2, true, Window::wanted},
    ModelClass{"Qwen2Model", &qwen2, false, Window::wanted},
    ModelClass{"Qwen3ForCausalLM", &qwen3, true, Window::wanted},
    ModelClass{"Qwen3Model", &qwen3, false, Window::wanted},
    ModelClass{"Phi3ForCausalLM", &phi3, true, Window::given},
    ModelClass{"PhiForCausalLM", &phi2, true, Window::never},
    ModelClass{"BertModel", &bert, false, Window::never},
    ModelClass{"BertForMaskedLM", &bert, false, Window::never},
};

// Reads one config.json, a part at a time.
class Reading {
public:
    explicit Reading(const ModelDirectory& directory)
        : directory_(directory), config_(directory.name_of("config.json"), directory.config) {}

    Result<ModelConfig> run() {
        find_class();
        if (!class_) return fail(*config_.error());
        model_.family = class_->family;
        refuse_quantised();
        read_sizes();
        check_heads();
        check_activation();
        if (!config_.error()) add_keys();
        if (config_.error()) return fail(*config_.error());
        return std::move(model_);
    }

private:
    void find_class() {
        const json::array* names = array_at(config_.object(), "architectures");
        const json::string* name = names && !names->empty() ? names->front().if_string() : nullptr;
        if (!name) return config_.corrupt("architectures", "names no class of models");
        const auto found = std::find_if(classes.begin(), classes.end(),
                                        [&](const ModelClass& row) { return row.name == *name; });
        if (found != classes.end())
            class_ = &*found;
        else
            config_.unsupported(
                fmt::format("the architecture \"{}\" is not supported", printable(*name)));
    }

    void refuse_quantised() {
        if (!config_.has("quantization_config")) return;
        const json::object* quantised = object_at(config_.object(), "quantization_config");
        const auto method = quantised ? text_at(*quantised, "quant_method") : std::nullopt;
        config_.unsupported(
            fmt::format("weights quantised with \"{}\" (quantization_config) are not supported",
                        printable(method.value_or("an unknown method"))));
    }

    void read_sizes() {
        model_.layers = config_.count("num_hidden_layers");
        if (model_.layers > layers_max) {
            config_.corrupt("num_hidden_layers", fmt::format("is {}, and 1 to {} is possible",
                                                             model_.layers, layers_max));
        }
        model_.width = config_.count("hidden_size");
        model_.feed_forward = config_.count("intermediate_size");
        model_.heads = config_.count("num_attention_heads");
        model_.heads_kv = config_.count("num_key_value_heads", model_.heads);
        model_.context = config_.length("max_position_embeddings");
        model_.vocabulary = config_.count("vocab_size");
        // Embedding models drop it whatever the class and the flag say.
        model_.has_head = class_->has_head && !config_.flag("tie_word_embeddings", false) &&
                          !directory_.sentence_transformer;
        if (is_encoder()) model_.token_types = config_.count("type_vocab_size", 2);
    }

    void check_heads() {
        if (!config_.has("head_dim") && model_.width % model_.heads != 0) {
            config_.corrupt("num_attention_heads",
                            fmt::format("is {}, and does not divide the hidden_size {}",
                                        model_.heads, model_.width));
        }
        model_.head_dim = config_.count("head_dim", std::max(1u, model_.width / model_.heads));
        const std::uint64_t total = std::uint64_t{model_.heads} * model_.head_dim;
        if (total >= 1 << 24) config_.corrupt("head_dim", "makes the heads too wide");
        if (total != model_.width && !model_.family->has(ModelFamily::own_head_dim)) {
            config_.unsupported(
                fmt::format("heads of {} dimensions (head_dim) are not supported "
                            "for this model",
                            model_.head_dim));
        }
        if (model_.heads % model_.heads_kv != 0) {
            config_.corrupt("num_key_value_heads",
                            fmt::format("is {}, and does not divide the {} heads", model_.heads_kv,
                                        model_.heads));
        }
    }

    void check_activation() {
        const auto& known = model_.family->activations;
        const std::string name = config_.text("hidden_act", known.front());
        if (name.empty() || std::find(known.begin(), known.end(), name) == known.end()) {
            config_.unsupported(
                fmt::format("the activation \"{}\" (hidden_act) is not supported for this model",
                            printable(name)));
        }
        if (is_encoder() && config_.text("position_embedding_type", "absolute") != "absolute")
            config_.unsupported(
                "positions that are not absolute (position_embedding_type) are not "
                "supported for this model");
    }

    void add_keys() {
        const std::pair<std::string_view, std::uint32_t> sizes[] = {
            {"block_count", model_.layers},         {"context_length", model_.context},
            {"embedding_length", model_.width},     {"feed_forward_length", model_.feed_forward},
            {"attention.head_count", model_.heads}, {"attention.head_count_kv", model_.heads_kv},
            {"vocab_size", model_.vocabulary}};
        for (const auto& [key, value] : sizes) add(key, value);
        if (std::uint64_t{model_.heads} * model_.head_dim != model_.width) {
            add("attention.key_length", model_.head_dim);
            add("attention.value_length", model_.head_dim);
        }
        const ModelFamily& family = *model_.family;
        add(family.epsilon_key,
            static_cast<float>(config_.number(family.epsilon_field, family.epsilon)));
        if (is_encoder() || !config_.flag("is_causal", true)) add("attention.causal", false);
        if (!is_encoder()) plan_rotary(config_, model_);
        add_window();
        if (const auto& transformer = directory_.sentence_transformer;
            transformer && transformer->pooling != Pooling::none)
            add("pooling_type", static_cast<std::uint32_t>(transformer->pooling));
    }

    // A window as long as all texts is none.
    void add_window() {
        if (class_->window == Window::never || !config_.has("sliding_window")) return;
        if (class_->window == Window::wanted && !config_.flag("use_sliding_window", false)) return;
        const std::uint32_t window = config_.length("sliding_window");
        const std::uint32_t sliding = sliding_layers();
        if (window >= model_.context || sliding == 0) return;
        if (sliding == model_.layers && class_->window == Window::given)
            return add("attention.sliding_window", window);
        config_.unsupported(
            "attention windows (sliding_window) in some of the layers, or for this "
            "model, are not supported");
    }

    // Source: transformers, `layer_types` and `max_window_layers` in configuration_qwen2.py.
    std::uint32_t sliding_layers() {
        const json::array* types = array_at(config_.object(), "layer_types");
        if (types) {
            return static_cast<std::uint32_t>(
                std::count(types->begin(), types->end(), json::value("sliding_attention")));
        }
        if (class_->window == Window::given) return model_.layers;
        const std::int64_t whole = integer_at(config_.object(), "max_window_layers").value_or(0);
        const auto layers = std::int64_t{model_.layers};
        return static_cast<std::uint32_t>(layers - std::clamp(whole, std::int64_t{0}, layers));
    }

    void add(std::string_view key, GgufWritable value) {
        model_.entries.push_back(
            {fmt::format("{}.{}", model_.family->architecture, key), std::move(value)});
    }

    bool is_encoder() const { return model_.family->has(ModelFamily::encoder); }

    const ModelDirectory& directory_;
    JsonFields config_;
    const ModelClass* class_ = nullptr;
    ModelConfig model_;
};

}  // namespace

Result<ModelConfig> read_model_config(const ModelDirectory& directory) {
    return Reading(directory).run();
}

}  // namespace worker

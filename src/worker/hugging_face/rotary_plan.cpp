#include "worker/hugging_face/rotary_plan.h"

#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

// One model's rotary positions. The object that says them is "rope_parameters", or "rope_scaling"
// beside a top-level "rope_theta" in files of older versions.
// Source: transformers, modeling_rope_utils.py.
class RotaryPlan {
public:
    RotaryPlan(JsonFields& config, const json::object& rope, ModelConfig& model)
        : config_(config), rope_(config.file(), rope), model_(model) {}

    void run() {
        plan_dimensions();
        const std::string type = rope_.text("rope_type", rope_.text("type", "default"));
        const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                       [&](const Kind& row) { return row.type == type; });
        if (kind == kinds.end())
            unsupported(type);
        else if (kind->plan)
            (this->*kind->plan)();
        // Positions in pictures, and kinds that differ from layer to layer.
        for (const auto* key : {"mrope_section", "full_attention", "sliding_attention"})
            if (rope_.has(key)) unsupported(key);
        if (rope_.error()) config_.fail(*rope_.error());
    }

private:
    struct Kind {
        std::string_view type;
        void (RotaryPlan::*plan)();
    };

    void plan_dimensions() {
        const double share =
            rope_.number("partial_rotary_factor",
                         config_.number("partial_rotary_factor", model_.family->rotary_share));
        const bool whole = model_.family->has(ModelFamily::whole_rotation);
        if (share > 1 || (whole && share != 1))
            config_.corrupt("partial_rotary_factor", "is not what models of this kind have");
        dimensions_ = static_cast<std::uint32_t>(model_.head_dim * std::min(share, 1.0));
        if (dimensions_ == 0 || dimensions_ % 2 != 0)
            config_.corrupt("head_dim", "makes an odd number of dimensions rotate");
        add("rope.dimension_count", dimensions_);
        base_ = rope_.number("rope_theta", config_.number("rope_theta", 10000));
        add("rope.freq_base", static_cast<float>(base_));
    }

    void plan_linear() {
        add("rope.scaling.type", std::string("linear"));
        add("rope.scaling.factor", static_cast<float>(rope_.number("factor")));
    }

    // libllama and the native engine multiply the attention factor by YaRN's own, 1 + 0.1 ln(s).
    void plan_yarn() {
        const double factor = rope_.number("factor");
        const auto scaled = [&](double share) {
            return 1 + 0.1 * share * std::log(std::max(1.0, factor));
        };
        const double usual = scaled(1);
        const bool by_shares = rope_.has("mscale") && rope_.has("mscale_all_dim");
        const double implied =
            by_shares ? scaled(rope_.number("mscale")) / scaled(rope_.number("mscale_all_dim"))
                      : usual;
        const double attention = rope_.number("attention_factor", implied);
        if (!rope_.flag("truncate", true)) unsupported("yarn with truncate false");
        add("rope.scaling.type", std::string("yarn"));
        add("rope.scaling.factor", static_cast<float>(factor));
        add("rope.scaling.original_context_length", original_context(model_.context));
        if (attention != usual)
            add("rope.scaling.attn_factor", static_cast<float>(attention / usual));
        add_unless_usual("rope.scaling.yarn_beta_fast", rope_.number("beta_fast", 32), 32);
        add_unless_usual("rope.scaling.yarn_beta_slow", rope_.number("beta_slow", 1), 1);
    }

    // Source: transformers, `_compute_llama3_parameters`: pairs that turn slowly are slowed down
    // by `factor`, those that turn fast are left, and between the two the factor goes over.
    void plan_llama3() {
        if (!model_.family->has(ModelFamily::rotary_factors)) return unsupported("llama3");
        const double factor = rope_.number("factor");
        const double low = rope_.number("low_freq_factor");
        const double high = rope_.number("high_freq_factor");
        const double context = original_context({});
        if (high <= low) rope_.corrupt("high_freq_factor", "is not above low_freq_factor");
        std::vector<float> factors;
        for (std::uint32_t pair = 0; pair < dimensions_ / 2; ++pair) {
            const double length = 2 * std::numbers::pi * std::pow(base_, 2.0 * pair / dimensions_);
            const double kept = std::clamp((context / length - low) / (high - low), 0.0, 1.0);
            factors.push_back(static_cast<float>(1 / ((1 - kept) / factor + kept)));
        }
        add_tensor("rope_freqs.weight", std::move(factors));
    }

    // Source: transformers, `_compute_longrope_parameters`.
    void plan_longrope() {
        if (!model_.family->has(ModelFamily::long_factors)) return unsupported("longrope");
        const std::uint32_t original = original_context({});
        const double stretch = static_cast<double>(model_.context) / original;
        const double usual =
            stretch <= 1 ? 1 : std::sqrt(1 + std::log(stretch) / std::log(original));
        if (original < 2) rope_.corrupt("original_max_position_embeddings", "is 1");
        for (const auto* key : {"short_mscale", "long_mscale"})
            if (rope_.has(key)) unsupported(fmt::format("longrope with {}", key));
        add("rope.scaling.type", std::string("longrope"));
        add("rope.scaling.original_context_length", original);
        add("rope.scaling.attn_factor",
            static_cast<float>(rope_.number("attention_factor", usual)));
        add_tensor("rope_factors_long.weight", rope_.numbers("long_factor", dimensions_ / 2));
        add_tensor("rope_factors_short.weight", rope_.numbers("short_factor", dimensions_ / 2));
    }

    std::uint32_t original_context(std::optional<std::uint32_t> missing) {
        constexpr std::string_view key = "original_max_position_embeddings";
        return rope_.has(key) ? rope_.length(key) : config_.length(key, missing);
    }

    void add(std::string_view key, GgufWritable value) {
        model_.entries.push_back(
            {fmt::format("{}.{}", model_.family->architecture, key), std::move(value)});
    }

    // A key that is missing leaves the model to the native engine, too.
    void add_unless_usual(std::string_view key, double value, double usual) {
        if (value != usual) add(key, static_cast<float>(value));
    }

    void add_tensor(std::string name, std::vector<float> values) {
        PlannedTensor tensor{.name = std::move(name), .type = 0, .shape = {values.size()}};
        tensor.values = std::move(values);
        model_.computed.push_back(std::move(tensor));
    }

    void unsupported(std::string_view kind) {
        rope_.unsupported(
            fmt::format("rotary positions of the kind \"{}\" are not supported for this model",
                        printable(kind)));
    }

    static constexpr std::array<Kind, 6> kinds{{
        {"default", nullptr},
        {"linear", &RotaryPlan::plan_linear},
        {"yarn", &RotaryPlan::plan_yarn},
        {"llama3", &RotaryPlan::plan_llama3},
        {"longrope", &RotaryPlan::plan_longrope},
        {"su", &RotaryPlan::plan_longrope},
    }};

    JsonFields& config_;
    JsonFields rope_;
    ModelConfig& model_;
    std::uint32_t dimensions_ = 0;
    double base_ = 0;
};

}  // namespace

void plan_rotary(JsonFields& config, ModelConfig& model) {
    static const json::object nothing;
    const json::object* rope = object_at(config.object(), "rope_parameters");
    if (!rope) rope = object_at(config.object(), "rope_scaling");
    RotaryPlan(config, rope ? *rope : nothing, model).run();
}

}  // namespace worker

#include "cpu/model_shape.h"

#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace cpu {

using worker::GgufHeader;

namespace {

struct Family {
    std::string_view architecture;
    Norm norm;
    RotaryPairs pairs;
    bool parallel;
    bool gated;
    bool may_slide;  // one window for all layers
};

constexpr std::array families = {
    Family{"llama", Norm::rms, RotaryPairs::neighbours, false, true, true},  // Mistral too
    Family{"qwen2", Norm::rms, RotaryPairs::halves, false, true, false},
    Family{"qwen3", Norm::rms, RotaryPairs::halves, false, true, false},
    Family{"phi3", Norm::rms, RotaryPairs::halves, false, true, true},
    Family{"phi2", Norm::layer, RotaryPairs::halves, true, false, false},
};

constexpr std::uint32_t layers_max = 512;  // as libllama's

// Keys whose meaning is known here. A model with any other may compute differently.
constexpr std::array known_keys = {
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_epsilon",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.attn_factor",
    "rope.scaling.factor",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
    "vocab_size",
};

worker::Error unsupported(std::string reason) {
    return {worker::ErrorCode::model_unsupported, std::move(reason)};
}

// The keys of one architecture. The first failure sticks.
class Keys {
public:
    Keys(const GgufHeader& header, std::string_view architecture)
        : header_(header), prefix_(fmt::format("{}.", architecture)) {}

    std::uint32_t count(std::string_view key, std::optional<std::uint32_t> missing = {}) {
        constexpr std::int64_t most = 1 << 24;
        if (missing && !has(key)) return *missing;
        const auto value = header_.integer(full(key));
        if (value && *value > 0 && *value <= most) return static_cast<std::uint32_t>(*value);
        fail(key, fmt::format("is not one whole number from 1 to {}", most));
        return 1;
    }

    double number(std::string_view key, std::optional<double> missing = {}) {
        if (missing && !has(key)) return *missing;
        const auto value = header_.number(full(key));
        if (value && std::isfinite(*value) && *value >= 0) return *value;
        fail(key, "is not one number from 0 on");
        return 1;
    }

    std::string text(std::string_view key, std::string_view missing) {
        if (!has(key)) return std::string(missing);
        if (const std::string* value = header_.text(full(key))) return *value;
        fail(key, "is not one text");
        return {};
    }

    bool has(std::string_view key) const { return header_.contains(full(key)); }

    void refuse_unknown() {
        for (const auto& [key, value] : header_.values) {
            if (!key.starts_with(prefix_)) continue;
            const std::string_view name = std::string_view(key).substr(prefix_.size());
            if (std::find(known_keys.begin(), known_keys.end(), name) == known_keys.end())
                fail("a model with the key " + worker::printable(key));
        }
    }

    // `what`: goes on behind the key's name.
    void fail(std::string_view key, std::string_view what) {
        fail(fmt::format("a model whose {} {}", full(key), what));
    }
    const std::optional<worker::Error>& error() const { return error_; }

private:
    void fail(std::string reason) {
        if (!error_) error_ = unsupported(std::move(reason));
    }
    std::string full(std::string_view key) const { return prefix_ + std::string(key); }

    const GgufHeader& header_;
    const std::string prefix_;
    std::optional<worker::Error> error_;
};

RotaryShape read_rotary(Keys& keys, const Family& family, const ModelShape& shape) {
    RotaryShape rotary{.pairs = family.pairs};
    rotary.dimensions = keys.count("rope.dimension_count", shape.head_dim);
    rotary.base = keys.number("rope.freq_base", 10000);
    rotary.original_context =
        keys.count("rope.scaling.original_context_length", shape.context_trained);
    const double factor = keys.number("rope.scaling.factor", 0);
    rotary.factor = factor == 0 ? 1 : factor;
    rotary.magnitude = keys.number("rope.scaling.attn_factor", 1);

    const std::string scaling = keys.text("rope.scaling.type", "linear");
    if (scaling == "none")
        rotary.factor = 1;
    else if (scaling == "yarn")
        rotary.scaling = RotaryScaling::yarn;
    else if (scaling == "longrope")
        rotary.scaling = RotaryScaling::longrope;
    else if (scaling != "linear")
        keys.fail("rope.scaling.type", "is " + worker::printable(scaling));

    if (rotary.dimensions > shape.head_dim || rotary.dimensions % 2 != 0)
        keys.fail("rope.dimension_count", "is odd or wider than a head");
    // YaRN divides by its logarithm.
    if (rotary.base <= 1) keys.fail("rope.freq_base", "is not above 1");
    return rotary;
}

void check_sizes(Keys& keys, const ModelShape& shape) {
    if (shape.layers > layers_max) keys.fail("block_count", fmt::format("is above {}", layers_max));
    if (shape.heads % shape.heads_kv != 0)
        keys.fail("attention.head_count", "is no multiple of attention.head_count_kv");
    if (shape.head_dim % 16 != 0 || shape.head_dim > 256)
        keys.fail("attention.key_length", "is no multiple of 16 up to 256");
    // Rows of queries, and keys of all layers, are counted in 32 bits.
    constexpr std::uint64_t limit = std::numeric_limits<std::uint32_t>::max();
    if (std::uint64_t{shape.heads} * shape.head_dim > limit / shape.layers / 64)
        keys.fail("attention.head_count", "is too large");
    const std::pair<std::string_view, std::uint32_t> depths[] = {
        {"embedding_length", shape.width},
        {"feed_forward_length", shape.feed_forward},
        {"attention.head_count", shape.heads * shape.head_dim}};
    for (const auto& [key, depth] : depths)
        if (depth % 32 != 0) keys.fail(key, "gives rows that are no multiple of 32");
}

}  // namespace

Result<ModelShape> read_shape(const ModelFiles& files) {
    const GgufHeader& header = files.header();
    const std::string* architecture = header.text("general.architecture");
    const auto family = std::find_if(families.begin(), families.end(), [&](const Family& each) {
        return architecture && each.architecture == *architecture;
    });
    if (family == families.end())
        return worker::fail(
            unsupported("the architecture " +
                        (architecture ? worker::printable(*architecture) : "of no name")));
    const worker::GgufTensor* const embedding = files.find("token_embd.weight");
    if (!embedding) return worker::fail(unsupported("a model without token_embd.weight"));

    Keys keys(header, *architecture);
    ModelShape shape{.architecture = *architecture,
                     .norm = family->norm,
                     .parallel = family->parallel,
                     .gated = family->gated};
    shape.layers = keys.count("block_count");
    shape.width = keys.count("embedding_length");
    shape.vocabulary =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(embedding->shape[1], 1 << 24));
    shape.feed_forward = keys.count("feed_forward_length");
    shape.heads = keys.count("attention.head_count");
    shape.heads_kv = keys.count("attention.head_count_kv", shape.heads);
    shape.head_dim = keys.count("attention.key_length", std::max(1u, shape.width / shape.heads));
    if (keys.count("attention.value_length", shape.head_dim) != shape.head_dim)
        keys.fail("attention.value_length", "is not that of keys");
    shape.context_trained = keys.count("context_length");
    shape.epsilon =
        static_cast<float>(keys.number(shape.norm == Norm::rms ? "attention.layer_norm_rms_epsilon"
                                                               : "attention.layer_norm_epsilon"));
    if (keys.has("attention.sliding_window")) {
        if (!family->may_slide) keys.fail("attention.sliding_window", "is there");
        shape.window = keys.count("attention.sliding_window");
    }
    check_sizes(keys, shape);
    shape.rotary = read_rotary(keys, *family, shape);
    keys.refuse_unknown();
    if (keys.error()) return worker::fail(*keys.error());
    return shape;
}

}  // namespace cpu

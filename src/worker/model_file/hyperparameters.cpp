#include "worker/model_file/hyperparameters.h"

#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

namespace worker {
namespace {

constexpr std::int64_t layers_max = 512;    // LLAMA_MAX_LAYERS
constexpr std::int64_t experts_max = 1024;  // LLAMA_MAX_EXPERTS
// Products of two widths stay far below 2^63.
constexpr std::int64_t width_max = (1 << 24) - 1;

struct Range {
    std::int64_t least;
    std::int64_t most;
};

// The keys of one architecture. The first failure sticks; later reads then give harmless values.
class Keys {
public:
    Keys(const ByteSource& source, const GgufHeader& header, std::string_view architecture)
        : source_(source), header_(header), prefix_(fmt::format("{}.", architecture)) {}

    bool has(std::string_view key) const { return header_.contains(full(key)); }

    std::int64_t required(std::string_view key, Range range) {
        if (!has(key)) fail(key, "is missing");
        return optional(key, range.least, range);
    }

    std::int64_t optional(std::string_view key, std::int64_t missing, Range range) {
        if (!has(key)) return missing;
        const auto value = header_.integer(full(key));
        return checked(key, value, range) ? *value : range.least;
    }

    // One value for every layer, or one value for all of them.
    std::vector<std::int64_t> per_layer(std::string_view key, std::size_t layers,
                                        std::vector<std::int64_t> missing, Range range) {
        const GgufArray* array = header_.array(full(key));
        if (!array) {
            if (!has(key)) return missing;
            return std::vector<std::int64_t>(layers, optional(key, range.least, range));
        }
        if (array->integers.size() != layers) {
            fail(key, fmt::format("has {} values for {} layers", array->count, layers));
            return std::vector<std::int64_t>(layers, range.least);
        }
        for (const std::int64_t value : array->integers) checked(key, value, range);
        return array->integers;
    }

    // Finite and at least `least`, when the key is there.
    void check_number(std::string_view key, double least) {
        if (!has(key)) return;
        const auto value = header_.number(full(key));
        if (!value || !std::isfinite(*value) || *value < least)
            fail(key, fmt::format("is no finite number of at least {}", least));
    }

    const std::string* text(std::string_view key) const { return header_.text(full(key)); }
    auto integer(std::string_view key) const { return header_.integer(full(key)); }

    void fail(std::string_view key, std::string_view why) {
        if (error_) return;
        error_ = Error{ErrorCode::model_corrupt,
                       fmt::format("{}: {}{} {}; get another file of this model", source_.name(),
                                   printable(prefix_), key, why)};
    }

    Result<void> result() const {
        if (error_) return worker::fail(*error_);
        return {};
    }
    bool ok() const { return !error_; }

private:
    std::string full(std::string_view key) const { return fmt::format("{}{}", prefix_, key); }

    bool checked(std::string_view key, std::optional<std::int64_t> value, Range range) {
        if (value && *value >= range.least && *value <= range.most) return true;
        const std::string is = value ? fmt::format("is {}", *value) : "is no integer";
        fail(key, fmt::format("{}, and {} to {} is possible", is, range.least, range.most));
        return false;
    }

    const ByteSource& source_;
    const GgufHeader& header_;
    const std::string prefix_;
    std::optional<Error> error_;
};

std::uint32_t greatest(const std::vector<std::int64_t>& values) {
    return static_cast<std::uint32_t>(*std::max_element(values.begin(), values.end()));
}

// Requires: facts.layers. The library multiplies heads by widths and groups query heads by the
// heads of their keys.
void check_heads(Keys& keys, const Architecture& architecture, ModelFacts& facts) {
    if (architecture.kind == ModelKind::recurrent) return;
    const std::size_t layers = facts.layers;
    const bool gaps =
        architecture.kind == ModelKind::hybrid || architecture.has(Architecture::headless_layers);
    if (!keys.has("attention.head_count")) keys.fail("attention.head_count", "is missing");
    const auto heads =
        keys.per_layer("attention.head_count", layers, std::vector<std::int64_t>(layers, 1),
                       {gaps ? 0 : 1, width_max});
    const auto heads_kv =
        keys.per_layer("attention.head_count_kv", layers, heads, {gaps ? 0 : 1, width_max});
    if (!keys.ok()) return;
    for (std::size_t i = 0; i < layers; ++i) {
        if (heads_kv[i] != 0 && heads[i] % heads_kv[i] != 0) {
            keys.fail(
                "attention.head_count_kv",
                fmt::format("is {}, and does not divide the {} heads", heads_kv[i], heads[i]));
        }
    }
    facts.heads = greatest(heads);
    facts.heads_kv = greatest(heads_kv);
    if (facts.heads == 0) keys.fail("attention.head_count", "is 0 in every layer");
    const auto total = std::accumulate(heads_kv.begin(), heads_kv.end(), std::int64_t{0});
    if (total > width_max) keys.fail("attention.head_count_kv", "is too great");
    facts.heads_kv_total = static_cast<std::uint32_t>(std::min(total, width_max));
}

// Requires: facts.heads, facts.embedding_length.
void check_head_widths(Keys& keys, const Architecture& architecture, ModelFacts& facts) {
    if (architecture.kind == ModelKind::recurrent || !keys.ok()) return;
    const std::int64_t even_share = facts.embedding_length / facts.heads;
    const bool given = keys.has("attention.key_length") && keys.has("attention.value_length");
    if (!given && facts.embedding_length % facts.heads != 0) {
        keys.fail("attention.head_count", fmt::format("is {}, and does not divide the width {}",
                                                      facts.heads, facts.embedding_length));
    }
    const Range width{1, width_max};
    const auto k = keys.optional("attention.key_length", even_share, width);
    const auto v = keys.optional("attention.value_length", even_share, width);
    if (k * facts.heads > width_max || v * facts.heads > width_max)
        keys.fail("attention.key_length", "makes the heads too wide");
    if (architecture.has(Architecture::equal_heads) && k != v)
        keys.fail("attention.value_length", fmt::format("is {}, and the keys have {}", v, k));
    const auto rotated = keys.optional("rope.dimension_count", k, {0, width_max});
    const bool whole = architecture.has(Architecture::full_rotation);
    if (keys.has("rope.dimension_count") && rotated % 2 != 0)
        keys.fail("rope.dimension_count", fmt::format("is {}, which is odd", rotated));
    if (rotated > k || (whole && rotated != k)) {
        keys.fail("rope.dimension_count",
                  fmt::format("is {}, and the heads are {} wide", rotated, k));
    }
    if (whole && k % 2 != 0)
        keys.fail("attention.key_length", fmt::format("is {}, which is odd", k));
    if (architecture.has(Architecture::whole_width) && k * facts.heads != facts.embedding_length) {
        keys.fail("attention.key_length", fmt::format("is {}, and {} heads are {} wide together", k,
                                                      facts.heads, facts.embedding_length));
    }
    facts.head_dim_k = static_cast<std::uint32_t>(k);
    facts.head_dim_v = static_cast<std::uint32_t>(v);
}

void check_experts(Keys& keys, const Architecture& architecture, std::size_t layers) {
    const bool needed = architecture.has(Architecture::needs_experts);
    const auto experts = keys.optional("expert_count", 0, {0, experts_max});
    if (experts == 0 && needed) keys.fail("expert_count", "is missing");
    // Without a width of their own, experts share the feed-forward width: a division.
    const bool divides = experts > 0 && !keys.has("expert_feed_forward_length");
    const auto used =
        keys.per_layer("expert_used_count", layers, std::vector<std::int64_t>(layers, 0),
                       {divides ? 1 : 0, experts});
    if (experts > 0 && greatest(used) == 0) keys.fail("expert_used_count", "is 0");
    if (needed && *std::min_element(used.begin(), used.end()) == 0)
        keys.fail("expert_used_count", "is 0");
    const auto groups =
        keys.optional("expert_group_count", 0, {0, std::max<std::int64_t>(experts - 1, 0)});
    if (groups > 1 && experts % groups != 0)
        keys.fail("expert_group_count", fmt::format("does not divide the {} experts", experts));
    const auto groups_used = keys.optional("expert_group_used_count", 0, {0, experts_max});
    if (groups > 1 && (groups_used < 1 || groups_used >= groups)) {
        keys.fail("expert_group_used_count",
                  fmt::format("is {} of {} groups", groups_used, groups));
    }
}

// What becomes of a text's rows. The library reads as many numbers of them as the file says.
void check_pooling(Keys& keys, ModelFacts& facts) {
    constexpr std::int64_t unspecified = 0xffffffff;  // as the library writes it
    if (keys.integer("pooling_type") != unspecified)
        facts.pooling = static_cast<Pooling>(keys.optional("pooling_type", 0, {0, 4}));
    if (facts.pooling == Pooling::none) return;
    const std::int64_t width = facts.embedding_length;
    keys.optional("embedding_length_out", width, {width, width});
}

void check_numbers(Keys& keys) {
    constexpr double least_frequency = std::numeric_limits<float>::min();
    for (const auto* key : {"attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon",
                            "attention.group_norm_epsilon"})
        keys.check_number(key, 0);
    for (const auto* key : {"rope.freq_base", "rope.freq_base_swa"})
        keys.check_number(key, least_frequency);
    for (const auto* key : {"rope.scaling.factor", "rope.scale_linear"}) keys.check_number(key, 0);
    constexpr std::array<std::string_view, 4> scalings{"none", "linear", "yarn", "longrope"};
    const std::string* scaling = keys.text("rope.scaling.type");
    if (scaling && std::find(scalings.begin(), scalings.end(), *scaling) == scalings.end())
        keys.fail("rope.scaling.type", fmt::format("is the unknown \"{}\"", printable(*scaling)));
}

}  // namespace

Result<void> check_hyperparameters(const ByteSource& source, const GgufHeader& header,
                                   const Architecture& architecture, ModelFacts& facts) {
    Keys keys(source, header, architecture.name);
    const auto u32 = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
    facts.context_length =
        u32(keys.required("context_length", {1, std::numeric_limits<std::int32_t>::max()}));
    facts.embedding_length = u32(keys.required("embedding_length", {1, width_max}));
    facts.layers = u32(keys.required("block_count", {1, layers_max}));
    const std::vector<std::int64_t> no_width(facts.layers, 0);
    facts.feed_forward_length =
        greatest(keys.per_layer("feed_forward_length", facts.layers, no_width, {0, width_max}));
    // Layers that only predict further tokens: a model needs others beside them.
    keys.optional("nextn_predict_layers", 0, {0, std::int64_t{facts.layers} - 1});
    check_heads(keys, architecture, facts);
    check_head_widths(keys, architecture, facts);
    check_experts(keys, architecture, facts.layers);
    check_pooling(keys, facts);
    check_numbers(keys);
    for (const KeyRule& rule : key_rules()) {
        if (rule.architecture.empty() || rule.architecture == architecture.name)
            keys.optional(rule.key, rule.least, {rule.least, rule.most});
    }
    return keys.result();
}

}  // namespace worker

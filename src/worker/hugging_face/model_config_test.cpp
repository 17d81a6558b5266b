#include "worker/hugging_face/model_config.h"

#include "tests/support/model_directory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace worker {
namespace {

ModelDirectory directory_with(std::string_view family, std::string_view fields) {
    ModelDirectory directory = tiny_directory(family);
    for (const auto& [key, value] : json_object(fields)) directory.config[key] = value;
    return directory;
}

ModelConfig read(std::string_view family, std::string_view fields) {
    auto config = read_model_config(directory_with(family, fields));
    EXPECT_TRUE(config) << config.error().message;
    return config ? std::move(*config) : ModelConfig();
}

// The value of a key of the architecture, or nothing.
template <class Value>
std::optional<Value> entry(const ModelConfig& config, const std::string& key) {
    for (const GgufEntry& each : config.entries)
        if (each.key.ends_with("." + key)) return std::get<Value>(each.value);
    return std::nullopt;
}

void check_refused(std::string_view family, std::string_view fields, ErrorCode code,
                   const std::string& words) {
    const auto config = read_model_config(directory_with(family, fields));
    ASSERT_FALSE(config) << fields;
    EXPECT_EQ(config.error().code, code) << config.error().message;
    EXPECT_TRUE(config.error().message.starts_with("models/tiny/config.json: "))
        << config.error().message;
    EXPECT_NE(config.error().message.find(words), std::string::npos) << config.error().message;
    EXPECT_EQ(config.error().message.find('\n'), std::string::npos) << config.error().message;
}

void check_corrupt(std::string_view family, std::string_view fields, const std::string& words) {
    check_refused(family, fields, ErrorCode::model_corrupt, words);
}

void check_unsupported(std::string_view family, std::string_view fields, const std::string& words) {
    check_refused(family, fields, ErrorCode::model_unsupported, words);
}

TEST(ModelConfigTest, an_unknown_architecture_is_named) {
    check_unsupported("llama", R"({"architectures": ["MambaForCausalLM"]})",
                      "the architecture \"MambaForCausalLM\" is not supported");
    check_unsupported("llama", R"({"architectures": ["a\nb"]})", "\"a\\x0ab\"");
    for (const char* names : {"null", "[]", "[7]", "\"LlamaForCausalLM\""})
        check_corrupt("llama", fmt::format(R"({{"architectures": {}}})", names),
                      "architectures names no class of models");
}

TEST(ModelConfigTest, quantised_weights_are_named) {
    check_unsupported("llama", R"({"quantization_config": {"quant_method": "awq", "bits": 4}})",
                      "weights quantised with \"awq\" (quantization_config)");
    check_unsupported("qwen2", R"({"quantization_config": {}})", "an unknown method");
    EXPECT_EQ(read("llama", R"({"quantization_config": null})").layers, 2u);
}

TEST(ModelConfigTest, a_number_that_cannot_be_is_refused_by_its_name) {
    for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers",
                            "num_attention_heads", "num_key_value_heads", "max_position_embeddings",
                            "vocab_size", "head_dim", "sliding_window"})
        for (const char* value : {"0", "-1", "1000000000000000000", "18446744073709551615", "1.5",
                                  "\"64\"", "[64]", "{}", "true"})
            check_corrupt("mistral", fmt::format(R"({{"{}": {}}})", key, value),
                          fmt::format("{} is ", key));
    for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers",
                            "num_attention_heads", "max_position_embeddings", "vocab_size"})
        check_corrupt("llama", fmt::format(R"({{"{}": null}})", key),
                      fmt::format("{} is missing", key));
    for (const char* key : {"rms_norm_eps", "rope_theta"})
        for (const char* value : {"0", "-1", "1e39", "1e-60", "\"1\""})
            check_corrupt("llama", fmt::format(R"({{"{}": {}}})", key, value),
                          fmt::format("{} is ", key));
    check_corrupt("llama", R"({"num_hidden_layers": 513})", "is 513, and 1 to 512 is possible");
    check_corrupt("llama", R"({"tie_word_embeddings": 1})", "tie_word_embeddings is 1");
    check_corrupt("bert", R"({"type_vocab_size": 0})", "type_vocab_size is 0");
}

TEST(ModelConfigTest, heads_divide_what_they_share) {
    check_corrupt("llama", R"({"num_attention_heads": 5})", "does not divide the hidden_size 64");
    check_corrupt("llama", R"({"num_attention_heads": 128})", "does not divide");
    check_corrupt("llama", R"({"num_key_value_heads": 3})", "does not divide the 4 heads");
    check_corrupt("llama", R"({"head_dim": 15})", "odd number of dimensions");
    check_corrupt("llama", R"({"head_dim": 16777215})", "too wide");
    check_unsupported("qwen2", R"({"head_dim": 32})", "heads of 32 dimensions");
    EXPECT_EQ(read("llama", R"({"num_key_value_heads": null})").heads_kv, 4u);
    EXPECT_EQ(read("llama", R"({"head_dim": 24})").head_dim, 24u);
}

TEST(ModelConfigTest, what_would_compute_otherwise_is_refused) {
    check_unsupported("llama", R"({"hidden_act": "relu"})", "the activation \"relu\"");
    check_unsupported("llama", R"({"hidden_act": ""})", "the activation \"\"");
    check_unsupported("phi2", R"({"hidden_act": "silu"})", "the activation \"silu\"");
    check_unsupported("bert", R"({"position_embedding_type": "relative_key"})", "not absolute");
    check_unsupported("qwen2", R"({"use_sliding_window": true, "max_window_layers": 1})",
                      "sliding_window");
    check_unsupported("mistral", R"({"layer_types": ["sliding_attention", "full_attention"]})",
                      "in some of the layers");
    check_corrupt("llama", R"({"partial_rotary_factor": 0.5})", "partial_rotary_factor");
    check_corrupt("phi2", R"({"partial_rotary_factor": 1.5})", "partial_rotary_factor");
}

TEST(ModelConfigTest, a_window_is_kept_where_all_layers_have_it) {
    const auto window = [](std::string_view family, std::string_view fields) {
        return entry<std::uint32_t>(read(family, fields), "attention.sliding_window");
    };
    EXPECT_EQ(window("mistral", "{}"), 128u);
    EXPECT_EQ(window("mistral", R"({"sliding_window": null})"), std::nullopt);
    EXPECT_EQ(window("mistral", R"({"sliding_window": 256})"), std::nullopt);
    EXPECT_EQ(window("mistral", R"({"layer_types": ["full_attention"]})"), std::nullopt);
    EXPECT_EQ(window("llama", R"({"sliding_window": 128})"), std::nullopt);
    EXPECT_EQ(window("qwen2", R"({"use_sliding_window": true, "max_window_layers": 2})"),
              std::nullopt);
}

TEST(ModelConfigTest, rotary_positions_are_said_in_both_ways) {
    const auto base = [](std::string_view fields) {
        return entry<float>(read("llama", fields), "rope.freq_base");
    };
    EXPECT_EQ(base("{}"), 500000.0F);
    EXPECT_EQ(base(R"({"rope_theta": null})"), 10000.0F);
    EXPECT_EQ(base(R"({"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}})"), 1e6F);
    EXPECT_EQ(base(R"({"rope_scaling": null})"), 500000.0F);
    const ModelConfig phi = read("phi2", R"({"partial_rotary_factor": null,
                         "rope_parameters": {"partial_rotary_factor": 0.75}})");
    EXPECT_EQ(entry<std::uint32_t>(phi, "rope.dimension_count"), 12u);
}

TEST(ModelConfigTest, linear_scaling_is_a_factor) {
    const ModelConfig config =
        read("qwen3", R"({"rope_scaling": {"type": "linear", "factor": 4}})");
    EXPECT_EQ(entry<std::string>(config, "rope.scaling.type"), "linear");
    EXPECT_EQ(entry<float>(config, "rope.scaling.factor"), 4.0F);
}

TEST(ModelConfigTest, yarn_says_what_is_not_usual) {
    ModelConfig config = read("qwen2", R"({"rope_scaling": {"rope_type": "yarn", "factor": 4,
                                           "original_max_position_embeddings": 64}})");
    EXPECT_EQ(entry<std::string>(config, "rope.scaling.type"), "yarn");
    EXPECT_EQ(entry<float>(config, "rope.scaling.factor"), 4.0F);
    EXPECT_EQ(entry<std::uint32_t>(config, "rope.scaling.original_context_length"), 64u);
    EXPECT_EQ(entry<float>(config, "rope.scaling.attn_factor"), std::nullopt);
    EXPECT_EQ(entry<float>(config, "rope.scaling.yarn_beta_fast"), std::nullopt);
    config = read("qwen2", R"({"rope_scaling": {"rope_type": "yarn", "factor": 4, "beta_fast": 16,
                               "attention_factor": 1.0}})");
    EXPECT_EQ(entry<std::uint32_t>(config, "rope.scaling.original_context_length"), 256u);
    EXPECT_EQ(entry<float>(config, "rope.scaling.yarn_beta_fast"), 16.0F);
    EXPECT_FLOAT_EQ(*entry<float>(config, "rope.scaling.attn_factor"),
                    static_cast<float>(1 / (1 + 0.1 * std::log(4))));
    config = read("qwen2", R"({"rope_scaling": {"rope_type": "yarn", "factor": 4, "mscale": 1,
                               "mscale_all_dim": 1}})");
    EXPECT_FLOAT_EQ(*entry<float>(config, "rope.scaling.attn_factor"),
                    static_cast<float>(1 / (1 + 0.1 * std::log(4))));
    check_unsupported("qwen2",
                      R"({"rope_scaling": {"type": "yarn", "factor": 4, "truncate": false}})",
                      "truncate");
}

TEST(ModelConfigTest, llama_3_slows_slow_pairs_down) {
    const ModelConfig config = read("llama", R"({"rope_scaling": {"rope_type": "llama3",
        "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
        "original_max_position_embeddings": 8192}})");
    ASSERT_EQ(config.computed.size(), 1u);
    const PlannedTensor& factors = config.computed.front();
    EXPECT_EQ(factors.name, "rope_freqs.weight");
    EXPECT_EQ(factors.type, 0u);
    EXPECT_EQ(factors.shape, std::vector<std::uint64_t>{8});
    ASSERT_EQ(factors.values.size(), 8u);
    // Pairs of wavelengths 6, 32, ... below 2,048; the sixth of 22,901 and all beyond above 8,192.
    for (std::size_t pair : {0, 1, 2, 3}) EXPECT_EQ(factors.values[pair], 1.0F) << pair;
    for (std::size_t pair : {5, 6, 7}) EXPECT_EQ(factors.values[pair], 8.0F) << pair;
    // 4,443: (8192 / 4443 - 1) / 3 of it stays.
    const double kept = (8192 / (2 * M_PI * std::sqrt(500000.0)) - 1) / 3;
    EXPECT_FLOAT_EQ(factors.values[4], static_cast<float>(1 / ((1 - kept) / 8 + kept)));
    EXPECT_EQ(entry<std::string>(config, "rope.scaling.type"), std::nullopt);
}

TEST(ModelConfigTest, longrope_has_two_lists_of_factors) {
    const char* const fields = R"({"original_max_position_embeddings": 64, "rope_scaling":
        {"type": "longrope", "short_factor": [1, 1, 1, 1, 1.5, 2, 2, 2],
         "long_factor": [1, 2, 3, 4, 5, 6, 7, 8.5]}})";
    const ModelConfig config = read("phi3", fields);
    EXPECT_EQ(entry<std::string>(config, "rope.scaling.type"), "longrope");
    EXPECT_EQ(entry<std::uint32_t>(config, "rope.scaling.original_context_length"), 64u);
    EXPECT_FLOAT_EQ(*entry<float>(config, "rope.scaling.attn_factor"),
                    static_cast<float>(std::sqrt(1 + std::log(4) / std::log(64))));
    ASSERT_EQ(config.computed.size(), 2u);
    EXPECT_EQ(config.computed[0].name, "rope_factors_long.weight");
    EXPECT_EQ(config.computed[0].values.back(), 8.5F);
    EXPECT_EQ(config.computed[1].name, "rope_factors_short.weight");
    EXPECT_EQ(config.computed[1].values[4], 1.5F);
    check_unsupported("qwen2", fields, "\"longrope\"");
}

TEST(ModelConfigTest, rotary_positions_that_cannot_be_are_refused_by_name) {
    const auto scaled = [](std::string_view scaling) {
        return fmt::format(R"({{"rope_scaling": {}}})", scaling);
    };
    check_unsupported("llama", scaled(R"({"type": "dynamic", "factor": 2})"), "\"dynamic\"");
    check_unsupported("qwen2", scaled(R"({"type": "mrope", "mrope_section": [1]})"), "\"mrope\"");
    check_unsupported("qwen2", scaled(R"({"mrope_section": [1]})"), "\"mrope_section\"");
    check_unsupported("llama", scaled(R"({"full_attention": {}})"), "\"full_attention\"");
    check_unsupported("qwen3", scaled(R"({"rope_type": "llama3"})"), "\"llama3\"");
    check_unsupported("llama", scaled(R"({"type": ""})"), "the kind \"\"");
    check_corrupt("llama", scaled(R"({"type": 7})"), "type is 7");
    check_corrupt("llama", scaled(R"({"type": "linear"})"), "factor is missing");
    check_corrupt("llama", scaled(R"({"type": "linear", "factor": -1})"), "factor is -1");
    check_corrupt("llama", scaled(R"({"type": "llama3", "factor": 8, "low_freq_factor": 4,
                             "high_freq_factor": 4, "original_max_position_embeddings": 8})"),
                  "high_freq_factor is not above");
    check_corrupt("phi3", scaled(R"({"type": "su", "long_factor": [1], "short_factor": [1],
                                     "original_max_position_embeddings": 8})"),
                  "long_factor is no list of 8 numbers");
    check_corrupt("phi3", scaled(R"({"type": "su", "long_factor": [1, 1, 1, 1, 1, 1, 1, 0],
                                     "original_max_position_embeddings": 8})"),
                  "long_factor holds 0");
    check_corrupt("phi3", scaled(R"({"type": "su"})"),
                  "original_max_position_embeddings is missing");
}

TEST(ModelConfigTest, a_head_of_its_own_follows_from_the_class_and_a_flag) {
    EXPECT_TRUE(read("llama", "{}").has_head);
    EXPECT_TRUE(read("llama", R"({"tie_word_embeddings": null})").has_head);
    EXPECT_FALSE(read("llama", R"({"tie_word_embeddings": true})").has_head);
    EXPECT_FALSE(read("llama", R"({"architectures": ["LlamaModel"]})").has_head);
    EXPECT_FALSE(read("bert", "{}").has_head);
}

}  // namespace
}  // namespace worker

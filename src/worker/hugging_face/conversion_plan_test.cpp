#include "worker/hugging_face/conversion_plan.h"

#include "tests/support/model_directory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace worker {
namespace {

ConversionPlan plan(const ModelDirectory& directory) {
    auto result = plan_conversion(directory);
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : ConversionPlan();
}

std::map<std::string, GgufWritable> entries_of(const ModelDirectory& directory) {
    std::map<std::string, GgufWritable> entries;
    for (const GgufEntry& entry : plan(directory).entries) {
        EXPECT_FALSE(entries.contains(entry.key)) << entry.key;
        entries[entry.key] = entry.value;
    }
    return entries;
}

template <class Value>
void check_entry(const ModelDirectory& directory, const std::string& key, Value value) {
    const auto entries = entries_of(directory);
    ASSERT_TRUE(entries.contains(key)) << key;
    EXPECT_EQ(entries.at(key), GgufWritable(value)) << key;
}

TEST(ConversionPlanTest, every_family_has_the_keys_of_its_architecture) {
    const std::pair<std::string_view, std::string> architectures[] = {
        {"llama", "llama"}, {"mistral", "llama"}, {"qwen2", "qwen2"}, {"qwen3", "qwen3"},
        {"phi3", "phi3"},   {"phi2", "phi2"},     {"bert", "bert"}};
    for (const auto& [family, architecture] : architectures) {
        SCOPED_TRACE(family);
        const auto entries = entries_of(tiny_directory(family));
        EXPECT_EQ(entries.at("general.architecture"), GgufWritable(architecture));
        EXPECT_EQ(entries.at("general.name"), GgufWritable(std::string("tiny")));
        EXPECT_EQ(entries.at("general.file_type"), GgufWritable(32u));
        const std::pair<std::string, std::uint32_t> sizes[] = {
            {"block_count", 2},          {"context_length", 256},     {"embedding_length", 64},
            {"feed_forward_length", 96}, {"attention.head_count", 4}, {"vocab_size", 300}};
        for (const auto& [key, value] : sizes)
            EXPECT_EQ(entries.at(fmt::format("{}.{}", architecture, key)), GgufWritable(value))
                << key;
        const auto tokens = std::get<std::vector<std::string>>(entries.at("tokenizer.ggml.tokens"));
        EXPECT_EQ(tokens.size(), 300u);
    }
}

TEST(ConversionPlanTest, what_only_some_families_have) {
    const auto is_in = [](std::string_view family, const std::string& key) {
        return entries_of(tiny_directory(family)).contains(key);
    };
    check_entry(tiny_directory("llama"), "llama.rope.dimension_count", 16u);
    check_entry(tiny_directory("llama"), "llama.rope.freq_base", 500000.0F);
    check_entry(tiny_directory("llama"), "llama.attention.layer_norm_rms_epsilon", 1e-5F);
    check_entry(tiny_directory("llama"), "llama.attention.head_count_kv", 2u);
    EXPECT_FALSE(is_in("llama", "llama.attention.sliding_window"));
    EXPECT_FALSE(is_in("llama", "llama.attention.key_length"));
    check_entry(tiny_directory("mistral"), "llama.attention.sliding_window", 128u);
    EXPECT_FALSE(is_in("qwen2", "qwen2.attention.sliding_window"));
    check_entry(tiny_directory("qwen3"), "qwen3.attention.key_length", 32u);
    check_entry(tiny_directory("qwen3"), "qwen3.attention.value_length", 32u);
    check_entry(tiny_directory("phi3"), "phi3.attention.sliding_window", 127u);
    check_entry(tiny_directory("phi2"), "phi2.rope.dimension_count", 8u);
    check_entry(tiny_directory("phi2"), "phi2.attention.layer_norm_epsilon", 1e-5F);
    check_entry(tiny_directory("bert"), "bert.attention.causal", false);
    check_entry(tiny_directory("bert"), "bert.attention.head_count_kv", 4u);
    check_entry(tiny_directory("bert"), "bert.pooling_type", 1u);
    check_entry(tiny_directory("bert"), "tokenizer.ggml.token_type_count", 2u);
    EXPECT_FALSE(is_in("bert", "bert.rope.dimension_count"));
}

TEST(ConversionPlanTest, a_language_model_with_a_pooling_is_an_embedding_model_without_a_head) {
    ModelDirectory directory = tiny_directory("qwen3");
    directory.sentence_transformer = SentenceTransformer{.pooling = Pooling::last};
    directory.tensors.erase("lm_head.weight");
    check_entry(directory, "qwen3.pooling_type", 3u);
}

TEST(ConversionPlanTest, the_name_is_that_of_the_directory_or_of_the_model_in_a_hub) {
    ModelDirectory directory = tiny_directory("llama");
    directory.path = "models/SmolLM2-135M/";
    check_entry(directory, "general.name", std::string("SmolLM2-135M"));
    directory.path = "hub/models--org--some--name/snapshots/abc";
    check_entry(directory, "general.name", std::string("name"));
    directory.path = "hub/models--org--model/snapshots/abc";
    check_entry(directory, "general.name", std::string("model"));
}

TEST(ConversionPlanTest, the_name_says_phi_3_of_those_models_alone_whose_tokens_strip) {
    ModelDirectory directory = tiny_directory("llama");
    directory.path = "Phi-3-mini-or-phi3";
    check_entry(directory, "general.name", std::string("Phi -3-mini-or-phi 3"));
    directory = tiny_directory("phi3");
    boost::json::array& added = directory.tokenizer["added_tokens"].as_array();
    added[2].as_object()["rstrip"] = true;
    added.push_back(json_object(R"({"id": 270, "content": "<|endoftext|>", "special": true})"));
    added.push_back(
        json_object(R"({"id": 271, "content": "<|end|>", "special": true, "rstrip": true})"));
    check_entry(directory, "general.name", std::string("tiny (Phi-3)"));
    directory.path = "Phi-3-mini";
    check_entry(directory, "general.name", std::string("Phi-3-mini"));
}

TEST(ConversionPlanTest, recommended_sampling_comes_from_the_generation_config) {
    ModelDirectory directory = tiny_directory("qwen3");
    directory.generation_config = json_object(
        R"({"temperature": 0.6, "top_p": 0.95, "top_k": 20, "repetition_penalty": 1,
            "min_p": null})");
    check_entry(directory, "general.sampling.temp", 0.6F);
    check_entry(directory, "general.sampling.top_p", 0.95F);
    check_entry(directory, "general.sampling.top_k", 20);
    check_entry(directory, "general.sampling.penalty_repeat", 1.0F);
    EXPECT_FALSE(entries_of(directory).contains("general.sampling.min_p"));
}

TEST(ConversionPlanTest, lower_case_before_the_tokeniser_is_berts_alone) {
    ModelDirectory directory = tiny_directory("bert");
    directory.sentence_transformer->lower_case = true;
    check_entry(directory, "tokenizer.ggml.normalizer.lowercase", true);
    directory.tokenizer["normalizer"].as_object()["lowercase"] = false;
    const auto refused = plan_conversion(directory);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::model_unsupported);
    EXPECT_EQ(refused.error().message,
              "models/tiny/sentence_bert_config.json: do_lower_case is not supported for this "
              "tokeniser; name a GGUF file of this model instead");
}

}  // namespace
}  // namespace worker

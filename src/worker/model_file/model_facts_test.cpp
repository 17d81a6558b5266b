#include "worker/model_file/model_facts.h"

#include "tests/support/gguf_writer.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace worker {
namespace {

constexpr Serves text{generates_text, "generates text"};
constexpr Serves encoders{[](ModelKind kind) { return kind == ModelKind::encoder; },
                          "encodes text"};

Result<ModelFacts> inspect(const std::vector<std::string>& files, const Serves& serves = text) {
    std::vector<MemorySource> sources;
    for (const std::string& bytes : files) {
        sources.emplace_back("m" + std::to_string(sources.size()) + ".gguf",
                             std::as_bytes(std::span(bytes)));
    }
    std::vector<const ByteSource*> pointers;
    for (const MemorySource& source : sources) pointers.push_back(&source);
    return inspect_sources(pointers, serves);
}

Result<ModelFacts> inspect(const GgufWriter& model) {
    return inspect({model.bytes()});
}

void check_accepted(const GgufWriter& model) {
    const auto facts = inspect(model);
    EXPECT_TRUE(facts) << facts.error().message;
}

void check_refused(const Result<ModelFacts>& facts, ErrorCode code, const std::string& words) {
    ASSERT_FALSE(facts) << words;
    EXPECT_EQ(facts.error().code, code) << facts.error().message;
    EXPECT_NE(facts.error().message.find(words), std::string::npos) << facts.error().message;
    EXPECT_EQ(facts.error().message.find('\n'), std::string::npos) << facts.error().message;
}

void check_corrupt(const GgufWriter& model, const std::string& words) {
    check_refused(inspect(model), ErrorCode::model_corrupt, words);
}

void check_unsupported(const GgufWriter& model, const std::string& words) {
    check_refused(inspect(model), ErrorCode::model_unsupported, words);
}

// The tiny model under another architecture's name.
GgufWriter tiny(const std::string& architecture) {
    GgufWriter model = tiny_model();
    model.string("general.architecture", architecture);
    for (const auto& [key, value] : {std::pair{".context_length", 256u},
                                     {".embedding_length", 64u},
                                     {".block_count", 2u},
                                     {".attention.head_count", 4u}})
        model.u32(architecture + key, value);
    return model;
}

TEST(ModelFactsTest, tells_what_the_file_says) {
    const auto facts = inspect(tiny_model());
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->architecture, "llama");
    EXPECT_EQ(facts->name, "tiny");
    EXPECT_EQ(facts->kind, ModelKind::attention);
    EXPECT_EQ(facts->parameters, 64u * 16 + 64);
    EXPECT_EQ(facts->quantization, "Q8_0");
    EXPECT_EQ(facts->size_bytes, tiny_model().bytes().size());
    EXPECT_EQ(facts->context_length, 256u);
    EXPECT_EQ(facts->layers, 2u);
    EXPECT_EQ(facts->embedding_length, 64u);
    EXPECT_EQ(facts->feed_forward_length, 128u);
    EXPECT_EQ(facts->heads, 4u);
    EXPECT_EQ(facts->heads_kv, 2u);
    EXPECT_EQ(facts->head_dim_k, 16u);
    EXPECT_EQ(facts->head_dim_v, 16u);
    EXPECT_EQ(facts->tokenizer, "gpt2");
    EXPECT_EQ(facts->vocabulary_size, 16u);
    EXPECT_EQ(facts->chat_template, "{{ messages }}");
    EXPECT_TRUE(facts->named_templates.empty());
    EXPECT_EQ(facts->recommended.temperature, std::nullopt);
    EXPECT_EQ(facts->digest.size(), 64u);
}

TEST(ModelFactsTest, a_model_may_have_several_chat_templates) {
    const auto facts =
        inspect(tiny_model().string("tokenizer.chat_template.tool_use", "{{ tools }}"));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->chat_template, "{{ messages }}");
    EXPECT_EQ(facts->named_templates,
              (std::map<std::string, std::string>{{"tool_use", "{{ tools }}"}}));
}

TEST(ModelFactsTest, tells_the_sampling_values_that_its_makers_recommend) {
    const auto facts = inspect(tiny_model()
                                   .f32("general.sampling.temp", 0.5F)
                                   .f32("general.sampling.top_p", 7.0F)
                                   .u32("general.sampling.top_k", 20));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->recommended.temperature, 0.5);
    EXPECT_EQ(facts->recommended.top_p, std::nullopt);  // No request may ask for it.
    EXPECT_EQ(facts->recommended.top_k, 20u);
}

TEST(ModelFactsTest, the_digest_tells_weights_and_headers_apart) {
    std::string bytes = tiny_model().bytes();
    const auto digest = [](const std::string& file) { return inspect(std::vector{file})->digest; };
    const std::string before = digest(bytes);
    EXPECT_EQ(digest(bytes), before);
    bytes.back() = static_cast<char>(bytes.back() + 1);
    EXPECT_NE(digest(bytes), before);
    EXPECT_NE(digest(tiny_model().string("general.name", "other").bytes()), before);
}

TEST(ModelFactsTest, the_quantisation_is_what_most_bytes_have_where_the_file_names_none) {
    const auto facts = inspect(tiny_model().u32("general.file_type", 4));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->quantization, "Q8_0");
    const auto k = inspect(
        tiny_model().without("general.file_type").tensor({"blk.0.ffn_up.weight", {256, 64}, 12}));
    ASSERT_TRUE(k);
    EXPECT_EQ(k->quantization, "Q4_K");
}

TEST(ModelFactsTest, estimates_the_cache_from_the_heads_of_all_layers) {
    const GgmlType& f16 = *find_ggml_type("f16");
    const GgmlType& q8_0 = *find_ggml_type("q8_0");
    const auto facts = inspect(tiny_model());
    ASSERT_TRUE(facts);
    EXPECT_EQ(kv_bytes_per_token(*facts, f16, f16), 2u * 2 * (16 * 2 + 16 * 2));
    EXPECT_EQ(kv_bytes_per_token(*facts, q8_0, f16), 2u * 2 * (34 + 16 * 2));
    const auto layered = inspect(tiny_model().numbers<std::uint32_t>(
        "llama.attention.head_count_kv", GgufType::u32, {1, 4}));
    ASSERT_TRUE(layered) << layered.error().message;
    EXPECT_EQ(layered->heads_kv, 4u);
    EXPECT_EQ(kv_bytes_per_token(*layered, f16, f16), 5u * (16 * 2 + 16 * 2));
    const auto recurrent = inspect(tiny("mamba").u32("mamba.attention.head_count", 0));
    ASSERT_TRUE(recurrent) << recurrent.error().message;
    EXPECT_EQ(recurrent->kind, ModelKind::recurrent);
    EXPECT_EQ(kv_bytes_per_token(*recurrent, f16, f16), 0u);
}

TEST(ModelFactsTest, names_architectures_that_it_cannot_serve) {
    check_unsupported(tiny("frobnicate"), "\"frobnicate\" is not supported");
    check_unsupported(tiny("a\nb"), "\"a\\x0ab\"");
    check_unsupported(tiny("bert"), "encodes text");
    check_unsupported(tiny("clip"), "encodes pictures");
    check_unsupported(tiny("t5"), "this worker generates text");
    check_unsupported(tiny("wavtokenizer-dec"), "makes speech");
    check_unsupported(tiny("eagle3"), "drafts");
    check_unsupported(tiny("llada"), "diffusion");
    check_unsupported(tiny_model().boolean("llama.attention.causal", 0), "encodes text");
    check_unsupported(tiny_model().string("general.type", "adapter"), "\"adapter\"");
    check_unsupported(tiny_model().without_tensors(), "vocabulary without a model");
    check_corrupt(tiny_model().without("general.architecture"), "general.architecture is missing");
}

// A model of the BERT family, with its three special tokens.
GgufWriter tiny_encoder(const std::string& architecture = "bert") {
    GgufWriter model = tiny(architecture);
    model.boolean(architecture + ".attention.causal", 0).u32(architecture + ".pooling_type", 1);
    model.string("tokenizer.ggml.model", "bert").without("tokenizer.ggml.eos_token_id");
    model.u32("tokenizer.ggml.unknown_token_id", 0).u32("tokenizer.ggml.seperator_token_id", 3);
    return model;
}

Result<ModelFacts> inspect_encoder(const GgufWriter& model) {
    return inspect({model.bytes()}, encoders);
}

TEST(ModelFactsTest, who_asks_says_which_kinds_it_serves) {
    const auto facts = inspect_encoder(tiny_encoder());
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->kind, ModelKind::encoder);
    EXPECT_EQ(facts->pooling, Pooling::mean);
    EXPECT_FALSE(facts->causal);
    EXPECT_EQ(facts->context_length, 256u);
    EXPECT_EQ(facts->tokenizer, "bert");
    check_refused(inspect_encoder(tiny_model()), ErrorCode::model_unsupported,
                  "generates text; this worker encodes text");
    // A decoder whose tokens see the whole text is one, too.
    const auto decoder = inspect_encoder(tiny_model().boolean("llama.attention.causal", 0));
    ASSERT_TRUE(decoder) << decoder.error().message;
    EXPECT_EQ(decoder->kind, ModelKind::encoder);
}

TEST(ModelFactsTest, a_model_says_how_a_text_becomes_one_vector) {
    const auto pooling = [](std::uint32_t type) {
        const auto facts = inspect(tiny_model().u32("llama.pooling_type", type));
        EXPECT_TRUE(facts) << facts.error().message;
        return facts ? wire_name(facts->pooling) : "";
    };
    EXPECT_EQ(inspect(tiny_model())->pooling, Pooling::none);
    EXPECT_TRUE(inspect(tiny_model())->causal);
    EXPECT_EQ(pooling(0), "none");
    EXPECT_EQ(pooling(2), "cls");
    EXPECT_EQ(pooling(3), "last");
    EXPECT_EQ(pooling(4), "rank");
    EXPECT_EQ(pooling(0xffffffff), "none");
    check_corrupt(tiny_model().u32("llama.pooling_type", 5), "pooling_type is 5");
    check_corrupt(tiny_model().string("llama.pooling_type", "mean"), "is no integer");
    check_accepted(tiny_model().u32("llama.embedding_length_out", 32));
    check_corrupt(tiny_model().u32("llama.embedding_length_out", 32).u32("llama.pooling_type", 1),
                  "embedding_length_out is 32");
}

TEST(ModelFactsTest, heads_of_encoders_are_what_the_library_asserts) {
    const auto check = [](const GgufWriter& model, const std::string& words) {
        check_refused(inspect_encoder(model), ErrorCode::model_corrupt, words);
    };
    for (const char* name : {"bert", "nomic-bert", "jina-bert-v2", "modern-bert"}) {
        const auto facts = inspect_encoder(tiny_encoder(name));
        EXPECT_TRUE(facts) << facts.error().message;
        const std::string attention = std::string(name) + ".attention.";
        check(tiny_encoder(name).u32(attention + "head_count", 0), "head_count is 0");
        check(tiny_encoder(name).u32(attention + "head_count", 5), "does not divide the width 64");
        check(tiny_encoder(name).u32(attention + "value_length", 8), "and the keys have 16");
        check(
            tiny_encoder(name).u32(attention + "key_length", 8).u32(attention + "value_length", 8),
            "and 4 heads are 64 wide together");
    }
    check(tiny_encoder("nomic-bert").u32("nomic-bert.attention.head_count", 64), "odd");
    check(tiny_encoder("nomic-bert-moe"), "expert_count is missing");
}

TEST(ModelFactsTest, sizes_are_within_what_the_library_asserts) {
    for (const auto* key : {"context_length", "embedding_length", "block_count"}) {
        const std::string name = std::string("llama.") + key;
        check_corrupt(tiny_model().without(name), name + " is missing");
        check_corrupt(tiny_model().u32(name, 0), name + " is 0");
        check_corrupt(tiny_model().u32(name, 0xffffffff), name + " is 4294967295");
        check_corrupt(tiny_model().u64(name, ~std::uint64_t{0}), name + " is");
        check_corrupt(tiny_model().i32(name, -1), name + " is -1");
        check_corrupt(tiny_model().string(name, "8"), name + " is no integer");
    }
    check_corrupt(tiny_model().u32("llama.block_count", 513), "is 513");
    check_corrupt(tiny_model().u32("llama.nextn_predict_layers", 2), "nextn_predict_layers is 2");
    check_corrupt(tiny_model().u32("llama.feed_forward_length", 1u << 24), "feed_forward_length");
    check_corrupt(
        tiny_model().numbers<std::uint32_t>("llama.feed_forward_length", GgufType::u32, {1, 2, 3}),
        "has 3 values for 2 layers");
}

TEST(ModelFactsTest, heads_divide_what_they_share) {
    const std::string heads = "llama.attention.head_count";
    check_corrupt(tiny_model().without(heads), "head_count is missing");
    check_corrupt(tiny_model().u32(heads, 0), "head_count is 0");
    check_corrupt(tiny_model().u32(heads, 6), "does not divide the width 64");
    check_corrupt(tiny_model().u32(heads + "_kv", 0), "head_count_kv is 0");
    check_corrupt(tiny_model().u32(heads + "_kv", 3), "does not divide the 4 heads");
    check_corrupt(tiny_model().u32(heads + "_kv", 8), "does not divide the 4 heads");
    check_corrupt(tiny_model().numbers<std::uint32_t>(heads, GgufType::u32, {4, 0}), "is 0");
    check_accepted(
        tiny("deci").numbers<std::uint32_t>("deci.attention.head_count", GgufType::u32, {4, 0}));
    check_corrupt(
        tiny("lfm2").numbers<std::uint32_t>("lfm2.attention.head_count", GgufType::u32, {0, 0}),
        "0 in every layer");
    check_accepted(
        tiny("lfm2").numbers<std::uint32_t>("lfm2.attention.head_count_kv", GgufType::u32, {0, 2}));
}

TEST(ModelFactsTest, head_widths_are_what_the_architecture_asserts) {
    check_corrupt(tiny_model().u32("llama.attention.key_length", 32), "value_length is 16");
    check_corrupt(tiny_model().u32("llama.rope.dimension_count", 8), "heads are 16 wide");
    check_corrupt(tiny_model().u32("llama.attention.key_length", 0), "key_length is 0");
    check_accepted(tiny("phi2").u32("phi2.rope.dimension_count", 8));
    check_corrupt(tiny("phi2").u32("phi2.rope.dimension_count", 7), "odd");
    check_corrupt(tiny("phi2").u32("phi2.rope.dimension_count", 18), "heads are 16 wide");
    check_accepted(tiny("deepseek2")
                       .u32("deepseek2.attention.key_length", 192)
                       .u32("deepseek2.attention.value_length", 128));
}

TEST(ModelFactsTest, experts_are_what_the_library_asserts) {
    const auto experts = [](std::uint32_t count, std::uint32_t used) {
        return tiny("qwen3moe")
            .u32("qwen3moe.expert_count", count)
            .u32("qwen3moe.expert_used_count", used);
    };
    check_accepted(experts(8, 2));
    check_accepted(tiny_model().u32("llama.expert_count", 0).u32("llama.expert_used_count", 0));
    check_corrupt(tiny("qwen3moe"), "expert_count is missing");
    check_corrupt(experts(8, 0), "expert_used_count");
    check_corrupt(experts(8, 9), "expert_used_count is 9");
    check_corrupt(experts(1025, 2), "expert_count is 1025");
    check_corrupt(tiny_model().u32("llama.expert_used_count", 2), "expert_used_count is 2");
    check_corrupt(experts(8, 2).u32("qwen3moe.expert_group_count", 8), "group_count is 8");
    check_corrupt(experts(8, 2).u32("qwen3moe.expert_group_count", 3), "does not divide");
    check_corrupt(experts(8, 2).u32("qwen3moe.expert_group_count", 4), "0 of 4 groups");
    check_accepted(experts(8, 2)
                       .u32("qwen3moe.expert_group_count", 4)
                       .u32("qwen3moe.expert_group_used_count", 2));
}

TEST(ModelFactsTest, numbers_are_finite_and_states_have_a_size) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    check_corrupt(tiny_model().f32("llama.attention.layer_norm_rms_epsilon", -1), "epsilon");
    check_corrupt(tiny_model().f32("llama.attention.layer_norm_rms_epsilon", nan), "epsilon");
    check_corrupt(tiny_model().f32("llama.rope.freq_base", 0), "freq_base");
    check_corrupt(tiny_model().string("llama.rope.scaling.type", "warp"), "unknown \"warp\"");
    check_accepted(tiny_model().string("llama.rope.scaling.type", "yarn"));
    check_corrupt(tiny("mamba2").u32("mamba2.ssm.group_count", 0), "group_count is 0");
    check_accepted(tiny("plamo2").u32("plamo2.ssm.group_count", 0));
    check_corrupt(tiny("rwkv7").u32("rwkv7.wkv.head_size", 0), "head_size is 0");
    check_corrupt(tiny("minimax-m3").u32("minimax-m3.attention.indexer.block_size", 0), "is 0");
}

TEST(ModelFactsTest, the_vocabulary_is_whole) {
    const std::string tokens = "tokenizer.ggml.tokens";
    check_corrupt(tiny_model().without(tokens), "no vocabulary");
    check_corrupt(tiny_model().strings(tokens, {}), "no vocabulary");
    check_corrupt(tiny_model().numbers<std::uint32_t>(tokens, GgufType::u32, {1}), "no vocabulary");
    check_corrupt(tiny_model().without("tokenizer.ggml.model"), "no tokeniser");
    check_unsupported(tiny_model().string("tokenizer.ggml.model", "none"), "\"none\"");
    check_corrupt(tiny_model().strings(tokens, {"a", "b", "c"}), "token_type has 16 entries");
    check_corrupt(
        tiny_model().numbers("tokenizer.ggml.scores", GgufType::f32, std::vector<float>(15)),
        "scores has 15 entries");
    check_corrupt(tiny_model().u32("tokenizer.ggml.scores", 1), "scores has 0 entries");
}

TEST(ModelFactsTest, tokens_are_distinct_and_short) {
    const auto with = [](std::vector<std::string> tokens) {
        GgufWriter model = tiny_model();
        model.without("tokenizer.ggml.token_type").strings("tokenizer.ggml.tokens", tokens);
        return model;
    };
    check_accepted(with({"a", "b", "c", "", ""}));
    check_corrupt(with({"a", "b", "c", "a"}), "twice in the vocabulary");
    check_corrupt(with({"a", "b", "", "[EMPTY_2]"}), "twice in the vocabulary");
    check_corrupt(with({"a", "b", std::string("c\0d", 3), "c"}), "twice in the vocabulary");
    check_corrupt(with({"a", "b", "c", std::string(5000, 'x')}), "token 3 at byte");
}

TEST(ModelFactsTest, special_tokens_are_in_the_vocabulary) {
    const std::string bos = "tokenizer.ggml.bos_token_id";
    check_corrupt(tiny_model().u32(bos, 16), "bos_token_id is 16");
    check_corrupt(tiny_model().u32("tokenizer.ggml.eos_token_id", ~0u), "eos_token_id is");
    // Known files name a padding token beyond the vocabulary; the library takes none then.
    check_accepted(tiny_model().u32("tokenizer.ggml.padding_token_id", 99));
    check_accepted(tiny_model().without(bos));
    GgufWriter small = tiny_model();
    small.without(bos).without("tokenizer.ggml.token_type");
    small.strings("tokenizer.ggml.tokens", {"a", "b", "c"});
    check_corrupt(small, "names none");
    check_accepted(small.boolean("tokenizer.ggml.add_bos_token", 0));
    check_corrupt(
        small.boolean("tokenizer.ggml.add_eos_token", 1).without("tokenizer.ggml.eos_token_id"),
        "add_eos_token says");
}

TEST(ModelFactsTest, what_stands_around_a_text_is_in_the_vocabulary) {
    for (const std::string token : {"bos", "seperator", "unknown"}) {
        const std::string key = "tokenizer.ggml." + token + "_token_id";
        // What the library takes then is beyond these 16 tokens.
        check_refused(inspect_encoder(tiny_encoder().without(key)), ErrorCode::model_corrupt,
                      key + " is missing");
        check_refused(inspect_encoder(tiny_encoder().u32(key, 16)), ErrorCode::model_corrupt,
                      key + " is 16");
    }
    check_unsupported(tiny_model().string("tokenizer.ggml.model", "wordpiece"), "\"wordpiece\"");
}

// The tiny model in two shards.
std::vector<GgufWriter> shards() {
    GgufWriter first = tiny_model();
    first.u16("split.no", 0).u16("split.count", 2).i32("split.tensors.count", 3);
    GgufWriter second;
    second.u16("split.no", 1).u16("split.count", 2).tensor({"blk.0.w", {64, 64}});
    return {first, second};
}

TEST(ModelFactsTest, shards_are_one_model) {
    std::vector<GgufWriter> s = shards();
    const auto facts = inspect({s[0].bytes(), s[1].bytes()});
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->parameters, 64u * 16 + 64 + 64 * 64);
    EXPECT_EQ(facts->size_bytes, s[0].bytes().size() + s[1].bytes().size());
}

TEST(ModelFactsTest, shards_that_do_not_belong_together_are_refused) {
    const std::vector<GgufWriter> s = shards();
    const auto check = [&](GgufWriter first, GgufWriter second, const std::string& words) {
        check_refused(inspect({first.bytes(), second.bytes()}), ErrorCode::model_corrupt, words);
    };
    check_refused(inspect_sources({}, text), ErrorCode::model_not_found, "no model file");
    check_refused(inspect(s[0]), ErrorCode::model_not_found, "has 2 shards");
    check_refused(inspect({s[0].bytes(), s[1].bytes(), s[1].bytes()}), ErrorCode::model_not_found,
                  "has 2 shards");
    check(s[0], GgufWriter(s[1]).u16("split.no", 0), "m1.gguf: split.no is not 1");
    check(s[0], GgufWriter(s[1]).u32("split.no", 1), "m1.gguf: split.no is not 1");
    check(s[0], GgufWriter(s[1]).without("split.no"), "m1.gguf: split.no is not 1");
    check(s[0], GgufWriter(s[1]).tensor({"output_norm.weight", {64}}), "in an earlier shard");
    check(GgufWriter(s[0]).i32("split.tensors.count", 4), s[1], "3 tensors where 4");
    check(s[0], GgufWriter(s[1]).magic("GGUX"), "m1.gguf: the file begins");
}

TEST(ModelFactsTest, reads_the_facts_of_a_real_model) {
    const char* path = std::getenv("RBEE_TEST_MODEL");
    if (!path) GTEST_SKIP() << "RBEE_TEST_MODEL names no SmolLM2-135M-Instruct Q4_1 GGUF file";
    const auto facts = inspect_model({path}, text);
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->architecture, "llama");
    EXPECT_EQ(facts->quantization, "Q4_1");
    EXPECT_EQ(facts->parameters, 134'515'008u);
    EXPECT_EQ(facts->size_bytes, std::filesystem::file_size(path));
    EXPECT_EQ(facts->context_length, 8192u);
    EXPECT_EQ(facts->layers, 30u);
    EXPECT_EQ(facts->embedding_length, 576u);
    EXPECT_EQ(facts->heads, 9u);
    EXPECT_EQ(facts->heads_kv, 3u);
    EXPECT_EQ(facts->head_dim_k, 64u);
    EXPECT_EQ(facts->vocabulary_size, 49152u);
    EXPECT_TRUE(facts->chat_template);
    const GgmlType& f16 = *find_ggml_type("f16");
    EXPECT_EQ(kv_bytes_per_token(*facts, f16, f16), 23040u);
}

}  // namespace
}  // namespace worker

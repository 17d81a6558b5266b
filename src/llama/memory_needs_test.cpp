#include "llama/memory_needs.h"

#include <gtest/gtest.h>

namespace llama {
namespace {

constexpr std::uint64_t mib = 1 << 20;

// SmolLM2-135M in 4 bits.
worker::ModelFacts small_model() {
    worker::ModelFacts facts;
    facts.size_bytes = 98 * mib;
    facts.layers = 30;
    facts.embedding_length = 576;
    facts.feed_forward_length = 1536;
    facts.heads = 9;
    facts.heads_kv = 3;
    facts.heads_kv_total = 90;
    facts.head_dim_k = 64;
    facts.head_dim_v = 64;
    facts.vocabulary_size = 49152;
    return facts;
}

TextModelOptions options_with(std::uint32_t cells, std::uint32_t sequences) {
    return {.context_max = 2048,
            .cells = cells,
            .sequences_max = sequences,
            .rows_max = 512,
            .kv_type = worker::find_ggml_type("f16")};
}

TEST(MemoryNeedsTest, counts_weights_and_cache_exactly) {
    const MemoryNeeds needs = memory_needs(small_model(), options_with(2048, 16));
    EXPECT_EQ(needs.weights, 98 * mib);
    EXPECT_EQ(needs.kv_cell, 23040u);
    EXPECT_EQ(needs.kv, 45 * mib);
}

// What libllama reports of compute and output buffers with these options.
void check_compute(std::uint32_t cells, std::uint32_t sequences, double reported_mib) {
    const MemoryNeeds needs = memory_needs(small_model(), options_with(cells, sequences));
    const double estimated_mib = static_cast<double>(needs.compute) / mib;
    EXPECT_GE(estimated_mib, reported_mib) << cells << ' ' << sequences;
    EXPECT_LE(estimated_mib, reported_mib * 1.3 + 10) << cells << ' ' << sequences;
}

TEST(MemoryNeedsTest, estimates_compute_buffers_from_above) {
    check_compute(2048, 1, 15.51 + 0.19);
    check_compute(2048, 16, 15.51 + 3.00);
    check_compute(2048, 128, 26.81 + 24.00);
    check_compute(32768, 16, 45.51 + 3.00);
    check_compute(131072, 16, 141.51 + 3.00);
}

TEST(MemoryNeedsTest, counts_a_state_for_each_sequence_of_a_recurrent_model) {
    worker::ModelFacts facts = small_model();
    facts.kind = worker::ModelKind::hybrid;
    const std::uint64_t one = memory_needs(facts, options_with(2048, 1)).kv;
    const std::uint64_t two = memory_needs(facts, options_with(2048, 2)).kv;
    EXPECT_GT(one, 45 * mib);
    EXPECT_EQ(two - one, one - 45 * mib);
}

// all-MiniLM-L6-v2.
worker::ModelFacts small_encoder() {
    worker::ModelFacts facts;
    facts.kind = worker::ModelKind::encoder;
    facts.size_bytes = 87 * mib;
    facts.layers = 6;
    facts.embedding_length = 384;
    facts.feed_forward_length = 1536;
    facts.heads = facts.heads_kv = 12;
    facts.heads_kv_total = 72;
    facts.head_dim_k = facts.head_dim_v = 32;
    facts.vocabulary_size = 30522;
    return facts;
}

// What libllama reports of compute buffers with so many rows, and rows of logits and of vectors.
void check_embedding(std::uint32_t rows, double reported_mib) {
    const MemoryNeeds needs =
        memory_needs(small_encoder(), EmbeddingModelOptions{.rows_max = rows});
    const double outputs_mib = rows * (30522.0 + 384) * 4 / mib;
    const double estimated_mib = static_cast<double>(needs.compute) / mib;
    EXPECT_EQ(needs.kv, 0u);
    EXPECT_GE(estimated_mib, reported_mib + outputs_mib) << rows;
    EXPECT_LE(estimated_mib, (reported_mib + outputs_mib) * 1.3 + 10) << rows;
}

TEST(MemoryNeedsTest, estimates_what_vectors_take_from_above) {
    check_embedding(128, 1.38);
    check_embedding(512, 6.26);
    check_embedding(2048, 31.02);
    check_embedding(8192, 220.09);
    worker::ModelFacts decoder = small_model();
    decoder.pooling = worker::Pooling::last;
    EXPECT_EQ(memory_needs(decoder, EmbeddingModelOptions{.rows_max = 2048}).kv, 45 * mib);
}

TEST(MemoryNeedsTest, refuses_what_does_not_fit) {
    const MemoryNeeds needs = {
        .weights = 100 * mib, .kv_cell = 1, .kv = 20 * mib, .compute = mib, .remedy = "lower it"};
    EXPECT_TRUE(check_memory(needs, 121 * mib, MemoryPlace::host).has_value());

    const auto host = check_memory(needs, 120 * mib, MemoryPlace::host);
    ASSERT_FALSE(host.has_value());
    EXPECT_EQ(host.error().code, worker::ErrorCode::insufficient_memory);
    EXPECT_NE(host.error().message.find("121.0 MiB"), std::string::npos) << host.error().message;
    EXPECT_NE(host.error().message.find("free: lower it, or take"), std::string::npos)
        << host.error().message;
    EXPECT_NE(host.error().message.find("120.0 MiB"), std::string::npos) << host.error().message;

    const auto device = check_memory(needs, 0, MemoryPlace::device);
    ASSERT_FALSE(device.has_value());
    EXPECT_EQ(device.error().code, worker::ErrorCode::insufficient_vram);
}

TEST(MemoryNeedsTest, names_the_kv_types) {
    ASSERT_TRUE(find_kv_type("q8_0").has_value());
    EXPECT_EQ((*find_kv_type("q8_0"))->name, "q8_0");
    for (const char* name : {"q4_k", "F16", ""}) {
        const auto unknown = find_kv_type(name);
        ASSERT_FALSE(unknown.has_value()) << name;
        EXPECT_EQ(unknown.error().code, worker::ErrorCode::config_invalid);
    }
}

}  // namespace
}  // namespace llama

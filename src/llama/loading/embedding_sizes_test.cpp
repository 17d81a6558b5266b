#include "llama/loading/embedding_sizes.h"

#include <gtest/gtest.h>

#include <functional>

namespace llama {
namespace {

constexpr std::uint64_t mib = 1u << 20;

// An encoder of 100 MiB that reads long texts.
worker::ModelFacts facts() {
    worker::ModelFacts facts;
    facts.kind = worker::ModelKind::encoder;
    facts.size_bytes = 100 * mib;
    facts.context_length = 32768;
    facts.embedding_length = 256;
    facts.feed_forward_length = 1024;
    facts.vocabulary_size = 30000;
    return facts;
}

using Change = std::function<void(worker::Config&)>;

Result<EmbeddingModelOptions> choose(std::uint64_t free_mib, const Change& change = {},
                                     const worker::ModelFacts& of = facts()) {
    worker::Config config;
    config.batch_size = 512;
    if (change) change(config);
    return choose_embedding_sizes(of, config, {.free_bytes = free_mib * mib});
}

TEST(EmbeddingSizesTest, with_memory_to_spare_texts_are_as_long_as_is_useful) {
    const auto sizes = choose(100'000);
    ASSERT_TRUE(sizes) << sizes.error().message;
    EXPECT_EQ(sizes->context_max, 8192u);
    EXPECT_EQ(sizes->rows_max, 8192u);
    EXPECT_EQ(sizes->texts_max, 256u);
}

TEST(EmbeddingSizesTest, short_texts_share_steps_of_the_batch_size) {
    worker::ModelFacts small = facts();
    small.context_length = 256;
    const auto sizes = choose(100'000, {}, small);
    ASSERT_TRUE(sizes) << sizes.error().message;
    EXPECT_EQ(sizes->context_max, 256u);
    EXPECT_EQ(sizes->rows_max, 512u);
    const auto tiny = choose(100'000, [](auto& c) { c.batch_size = 100; }, small);
    ASSERT_TRUE(tiny) << tiny.error().message;
    EXPECT_EQ(tiny->rows_max, 256u);
}

TEST(EmbeddingSizesTest, little_memory_shortens_texts) {
    const auto sizes = choose(700);
    ASSERT_TRUE(sizes) << sizes.error().message;
    EXPECT_EQ(sizes->context_max, 2048u);
}

TEST(EmbeddingSizesTest, what_is_configured_is_taken_as_far_as_the_model_reads) {
    const auto sizes = choose(2000, [](auto& c) { c.context_size = 10'000; });
    ASSERT_TRUE(sizes) << sizes.error().message;
    EXPECT_EQ(sizes->context_max, 10'000u);

    const auto large = choose(700, [](auto& c) { c.context_size = 10'000; });
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().code, worker::ErrorCode::insufficient_memory);
    EXPECT_NE(large.error().message.find("lower --context-size or --batch-size"),
              std::string::npos);

    const auto longer = choose(100'000, [](auto& c) { c.context_size = 32769; });
    ASSERT_TRUE(longer) << longer.error().message;
    EXPECT_EQ(longer->context_max, 32768u);
}

TEST(EmbeddingSizesTest, a_model_that_does_not_fit_is_refused_with_both_figures) {
    const auto sizes = choose(99);
    ASSERT_FALSE(sizes);
    EXPECT_EQ(sizes.error().code, worker::ErrorCode::insufficient_memory);
    EXPECT_NE(sizes.error().message.find("100.0 MiB"), std::string::npos);
    EXPECT_NE(sizes.error().message.find("99.0 MiB"), std::string::npos);
}

}  // namespace
}  // namespace llama

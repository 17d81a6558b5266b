#include "llm/sizes.h"

#include <gtest/gtest.h>

#include <functional>

namespace llm {
namespace {

constexpr std::uint64_t mib = 1u << 20;

// A model of 100 MiB whose tokens take 4 KiB each in the KV cache.
worker::ModelFacts facts() {
    worker::ModelFacts facts;
    facts.architecture = "llama";
    facts.size_bytes = 100 * mib;
    facts.context_length = 8192;
    facts.layers = 8;
    facts.embedding_length = 256;
    facts.feed_forward_length = 512;
    facts.heads = facts.heads_kv = 2;
    facts.heads_kv_total = 16;
    facts.head_dim_k = facts.head_dim_v = 64;
    facts.vocabulary_size = 1000;
    return facts;
}

using Change = std::function<void(worker::Config&, TextSettings&)>;

worker::Result<llama::TextModelOptions> choose(std::uint64_t free_mib, const Change& change) {
    worker::Config config;
    TextSettings text;
    if (change) change(config, text);
    return choose_sizes(facts(), {config, text}, {.free_bytes = free_mib * mib});
}

struct Expected {
    std::uint32_t context;
    std::uint32_t slots;
    std::uint32_t cells;
};

void check(std::uint64_t free_mib, const Change& change, const Expected& expected) {
    const auto sizes = choose(free_mib, change);
    ASSERT_TRUE(sizes) << sizes.error().message;
    EXPECT_EQ(sizes->context_max, expected.context);
    EXPECT_EQ(sizes->sequences_max, expected.slots);
    EXPECT_EQ(sizes->cells, expected.cells);
}

TEST(Sizes, with_memory_to_spare_every_slot_gets_a_useful_share) {
    check(10'000, {}, {8192, 16, 32768});
}
TEST(Sizes, one_slot_needs_one_context) {
    check(10'000, [](auto& c, auto&) { c.parallel = 1; }, {8192, 1, 8192});
}
TEST(Sizes, what_is_configured_is_taken) {
    check(10'000,
          [](auto& c, auto& t) {
              c.context_size = 1000;
              t.kv_tokens = 4000;
              c.parallel = 3;
          },
          {1000, 3, 4000});
}
TEST(Sizes, few_kv_tokens_shorten_a_context_that_was_not_asked_for) {
    check(10'000, [](auto&, auto& t) { t.kv_tokens = 4000; }, {4000, 16, 4000});
}
TEST(Sizes, little_memory_shortens_the_context_and_takes_half_of_what_is_free) {
    const auto sizes = choose(140, {});
    ASSERT_TRUE(sizes) << sizes.error().message;
    EXPECT_LT(sizes->context_max, 8192u);
    EXPECT_GE(sizes->context_max, 256u);
    EXPECT_GE(sizes->cells, sizes->context_max);
}
TEST(Sizes, a_model_that_does_not_fit_is_refused_with_both_figures) {
    const auto sizes = choose(90, {});
    ASSERT_FALSE(sizes);
    EXPECT_EQ(sizes.error().code, worker::ErrorCode::insufficient_memory);
    EXPECT_NE(sizes.error().message.find("100.0 MiB"), std::string::npos);
    EXPECT_NE(sizes.error().message.find("90.0 MiB"), std::string::npos);
}
TEST(Sizes, a_context_that_does_not_fit_is_refused) {
    const auto sizes = choose(150, [](auto& c, auto&) { c.context_size = 100'000; });
    ASSERT_FALSE(sizes);
    EXPECT_EQ(sizes.error().code, worker::ErrorCode::insufficient_memory);
}

}  // namespace
}  // namespace llm

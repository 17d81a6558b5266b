#include "llm/sampling/penalties.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

namespace llm {
namespace {

struct Case {
    SamplingSettings settings;
    std::vector<Token> prompt = {};
    std::vector<Token> chosen = {};
};

void check(const Case& c, const std::vector<float>& expected) {
    Penalties penalties(c.settings);
    penalties.see_prompt(c.prompt);
    for (const Token token : c.chosen) penalties.accept(token);
    std::vector<float> logits = {2, 4, -2, 0};
    std::vector<PatchedLogits::Change> changes;
    PatchedLogits patched(logits, changes);
    penalties.apply(patched);
    EXPECT_EQ(logits, expected);
}

TEST(PenaltiesTest, presence_counts_once_and_frequency_each_time) {
    check({.settings = {.presence_penalty = 0.5}, .chosen = {1, 1, 2}}, {2, 3.5F, -2.5F, 0});
    check({.settings = {.frequency_penalty = 0.5}, .chosen = {1, 1, 2}}, {2, 3, -2.5F, 0});
    check({.settings = {.presence_penalty = -2, .frequency_penalty = 0.25}, .chosen = {1, 1}},
          {2, 5.5F, -2, 0});
}

TEST(PenaltiesTest, only_the_repetition_penalty_looks_at_the_prompt) {
    check({.settings = {.presence_penalty = 1, .frequency_penalty = 1}, .prompt = {0, 1, 2}},
          {2, 4, -2, 0});
    check({.settings = {.repetition_penalty = 2}, .prompt = {0, 2}, .chosen = {1}}, {1, 2, -4, 0});
}

TEST(PenaltiesTest, looks_back_over_the_end_of_a_prompt) {
    check({.settings = {.repetition_penalty = 2, .repeat_last_n = 2}, .prompt = {0, 1, 2}},
          {2, 2, -4, 0});
    check({.settings = {.repetition_penalty = 2, .repeat_last_n = 2},
           .prompt = {0, 1, 2},
           .chosen = {3}},
          {2, 4, -4, 0});
}

TEST(PenaltiesTest, a_bias_is_added_before_anything_else) {
    check({.settings = {.logit_bias = {{0, -100}, {3, 1.5F}}}}, {-98, 4, -2, 1.5F});
    check({.settings = {.repetition_penalty = 2, .logit_bias = {{2, 6}}}, .chosen = {2}},
          {2, 4, 2, 0});
}

TEST(PatchedLogitsTest, a_row_is_afterwards_what_it_was_to_the_last_bit) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> logits = {1.5F, nan, -0.0F, -std::numeric_limits<float>::infinity()};
    const std::vector<float> before = logits;
    std::vector<PatchedLogits::Change> changes;
    {
        PatchedLogits patched(logits, changes);
        for (const Token token : {0, 1, 2, 3, 0}) patched[token] += 7;
        EXPECT_EQ(logits[0], 15.5F);
    }
    for (std::size_t i = 0; i < logits.size(); ++i) {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(logits[i]), std::bit_cast<std::uint32_t>(before[i]));
    }
}

}  // namespace
}  // namespace llm

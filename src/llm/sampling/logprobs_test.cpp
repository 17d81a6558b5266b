#include "llm/sampling/logprobs.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace llm {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// The tokens of the top, in order.
std::string top(const std::vector<float>& logits, std::uint32_t top_n) {
    std::string tokens;
    for (const TokenLogprob& each : logprobs(logits, 0, top_n).top)
        tokens += std::to_string(each.token) + " ";
    return tokens;
}

TEST(LogprobsTest, are_natural_logarithms_of_the_shares) {
    // 3 : 1 : 4 : 2
    const std::vector<float> logits = {std::log(3.0F), 0, std::log(4.0F), std::log(2.0F)};
    const Logprobs actual = logprobs(logits, 1, 2);
    EXPECT_EQ(actual.chosen.token, 1);
    EXPECT_NEAR(actual.chosen.logprob, std::log(0.1), 1e-6);
    ASSERT_EQ(actual.top.size(), 2u);
    EXPECT_EQ(actual.top[0].token, 2);
    EXPECT_NEAR(actual.top[0].logprob, std::log(0.4), 1e-6);
    EXPECT_EQ(actual.top[1].token, 0);
    EXPECT_NEAR(actual.top[1].logprob, std::log(0.3), 1e-6);
}

TEST(LogprobsTest, equal_ones_are_in_the_order_of_the_tokens) {
    EXPECT_EQ(top({1, 2, 2, 1, 2}, 4), "1 2 4 0 ");
}

TEST(LogprobsTest, of_fewer_tokens_all_are_told) {
    EXPECT_EQ(top({1, 2}, 20), "1 0 ");
    EXPECT_EQ(top({1, 2}, 0), "");
}

TEST(LogprobsTest, what_cannot_come_is_not_told_unless_it_was_chosen) {
    EXPECT_EQ(top({nan, 2, -inf, 1}, 4), "1 3 ");
    EXPECT_EQ(logprobs(std::vector<float>{nan, 2}, 0, 0).chosen.logprob, -inf);
    EXPECT_EQ(logprobs(std::vector<float>{-inf, 2}, 0, 0).chosen.logprob, -inf);
    EXPECT_EQ(logprobs(std::vector<float>{-inf, 2}, 1, 0).chosen.logprob, 0);
}

TEST(LogprobsTest, an_infinite_logit_is_certain) {
    const Logprobs actual = logprobs(std::vector<float>{inf, 2}, 0, 1);
    EXPECT_EQ(actual.chosen.logprob, 0);
    EXPECT_EQ(actual.top[0].logprob, 0);
}

RC_GTEST_PROP(LogprobsTest, are_those_of_a_sum_in_double_precision, ()) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 300);
    const auto logits = *rc::gen::container<std::vector<float>>(
        size,
        rc::gen::map(rc::gen::inRange(-2000, 2001), [](int n) { return float(n) / 100 + 50; }));
    const auto top_n = *rc::gen::inRange<std::uint32_t>(0, 21);
    double total = 0;
    for (const float logit : logits) total += std::exp(double{logit});
    const auto expected = [&](Token token) {
        return logits[static_cast<std::size_t>(token)] - std::log(total);
    };

    const auto chosen = static_cast<Token>(*rc::gen::inRange<std::size_t>(0, size));
    const Logprobs actual = logprobs(logits, chosen, top_n);
    RC_ASSERT(std::abs(actual.chosen.logprob - expected(chosen)) < 1e-4);
    std::vector<float> sorted = logits;
    std::sort(sorted.rbegin(), sorted.rend());
    RC_ASSERT(actual.top.size() == std::min<std::size_t>(top_n, size));
    for (std::size_t i = 0; i < actual.top.size(); ++i) {
        const TokenLogprob& each = actual.top[i];
        RC_ASSERT(logits[static_cast<std::size_t>(each.token)] == sorted[i]);
        RC_ASSERT(std::abs(each.logprob - expected(each.token)) < 1e-4);
    }
}

}  // namespace
}  // namespace llm

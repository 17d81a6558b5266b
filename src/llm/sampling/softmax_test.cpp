#include "llm/sampling/softmax.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace llm {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float max = std::numeric_limits<float>::max();

TEST(SoftmaxTest, a_weight_is_an_exponential) {
    for (int i = 0; i < 5000; ++i) {
        const float below = -0.0173F * static_cast<float>(i);  // down to -86.5
        const double exact = std::exp(double{below});
        EXPECT_NEAR(Weighing{0}.weight(below) / exact, 1, 3e-7) << below;
        EXPECT_NEAR((Weighing{3, 2}.weight(3 + below) / std::sqrt(exact)), 1, 1e-5) << below;
    }
}

TEST(SoftmaxTest, what_cannot_come_weighs_nothing) {
    EXPECT_EQ(Weighing{0}.weight(-inf), 0);
    EXPECT_EQ(Weighing{0}.weight(nan), 0);
    EXPECT_EQ(Weighing{0}.weight(-1000), 0);
    EXPECT_EQ(Weighing{max}.weight(-max), 0);
    EXPECT_EQ((Weighing{0, 1e-40F}.weight(-1)), 0);
    EXPECT_EQ((Weighing{0, 1e-40F}.weight(0)), 1);
    EXPECT_EQ(Weighing{max}.weight(inf), 1);
    EXPECT_EQ(Weighing{-max}.weight(-max), 1);
}

RC_GTEST_PROP(SoftmaxTest, passes_by_blocks_give_what_a_plain_loop_gives, ()) {
    const auto any = rc::gen::weightedOneOf<float>(
        {{8, rc::gen::map(rc::gen::inRange(-3000, 3001), [](int n) { return float(n) / 100; })},
         {1, rc::gen::element(-inf, nan, -max)}});
    const auto size = *rc::gen::inRange<std::size_t>(0, 200);
    const auto logits = *rc::gen::container<std::vector<float>>(size, any);

    std::size_t likeliest = size;
    float largest = -inf;
    for (std::size_t i = 0; i < size; ++i) {
        if (!(logits[i] > largest)) continue;
        largest = logits[i];
        likeliest = i;
    }
    RC_ASSERT(likeliest_of(logits) == likeliest);
    const Softmax actual = softmax(logits);
    RC_ASSERT(actual.likeliest == likeliest);
    if (likeliest == size) return;

    double total = 0;
    for (const float logit : logits)
        if (logit > -inf) total += std::exp(double{logit} - largest);
    RC_ASSERT(actual.largest == largest);
    RC_ASSERT(std::abs(actual.total / total - 1) < 1e-6);
}

TEST(SoftmaxTest, an_infinite_logit_takes_all) {
    const std::vector<float> logits = {3, inf, 4, inf};
    const Softmax actual = softmax(logits);
    EXPECT_EQ(actual.likeliest, 1u);
    EXPECT_EQ(actual.largest, max);
    EXPECT_EQ(actual.total, 2);
}

}  // namespace
}  // namespace llm

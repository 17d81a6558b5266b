#include "cpu/rotary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace cpu {
namespace {

struct Angles {
    std::vector<float> cosines;
    std::vector<float> sines;
};

Angles angles_at(const RotaryShape& shape, std::uint32_t position,
                 std::span<const float> factors = {}) {
    const Rotary rotary(shape, factors);
    Angles angles{std::vector<float>(rotary.pairs()), std::vector<float>(rotary.pairs())};
    rotary.angles(position, angles.cosines, angles.sines);
    return angles;
}

// `speed(pair)` radians a token; what is turned grows to `magnitude`.
template <typename Speed>
void check_speeds(const RotaryShape& shape, const Speed& speed, double magnitude,
                  std::span<const float> factors = {}) {
    for (const std::uint32_t position : {0U, 1U, 31U, 4095U, 131071U}) {
        const Angles angles = angles_at(shape, position, factors);
        ASSERT_EQ(angles.cosines.size(), shape.dimensions / 2);
        for (std::uint32_t pair = 0; pair < shape.dimensions / 2; ++pair) {
            SCOPED_TRACE(testing::Message() << "pair " << pair << " at " << position);
            const double angle = position * speed(pair);
            EXPECT_NEAR(angles.cosines[pair], magnitude * std::cos(angle), 1e-6);
            EXPECT_NEAR(angles.sines[pair], magnitude * std::sin(angle), 1e-6);
        }
    }
}

constexpr RotaryShape trained{.dimensions = 64, .original_context = 4096, .base = 10000};

// RoFormer, equation 15: base^(-2 i / d).
double trained_speed(std::uint32_t pair) {
    return std::pow(10000.0, -2.0 * pair / 64);
}

TEST(RotaryTest, a_pair_turns_the_slower_the_further_back_it_is) {
    check_speeds(trained, trained_speed, 1);
}

TEST(RotaryTest, a_part_of_a_head_has_the_speeds_of_its_own_width) {
    RotaryShape partial = trained;
    partial.dimensions = 20;
    check_speeds(partial, [](std::uint32_t pair) { return std::pow(10000.0, pair / -10.0); }, 1);
}

TEST(RotaryTest, linear_scaling_turns_as_at_a_position_divided_by_the_factor) {
    RotaryShape scaled = trained;
    scaled.factor = 4;
    check_speeds(scaled, [](std::uint32_t pair) { return trained_speed(pair) / 4; }, 1);
    const Angles far = angles_at(scaled, 4000);
    const Angles near = angles_at(trained, 1000);
    for (std::size_t pair = 0; pair < near.sines.size(); ++pair)
        EXPECT_NEAR(far.sines[pair], near.sines[pair], 1e-6);
}

TEST(RotaryTest, factors_divide_the_speed_of_each_pair) {
    std::vector<float> factors(32);
    for (std::size_t pair = 0; pair < factors.size(); ++pair)
        factors[pair] = 1 + 0.25F * static_cast<float>(pair);
    RotaryShape longrope = trained;
    longrope.scaling = RotaryScaling::longrope;
    longrope.magnitude = 1.19;
    check_speeds(
        longrope, [](std::uint32_t pair) { return trained_speed(pair) / (1 + 0.25 * pair); }, 1.19,
        factors);
}

// YaRN, 3.2: what turns more than 32 times within 4096 tokens stays, what turns less than once is
// slowed down by the factor. By the paper's code the pair that turns n times is
// 64 ln(4096 / (2 pi n)) / (2 ln 10000): 10.47 for 32 and 22.51 for 1, rounded outwards. Equation
// 22: what is turned grows by 0.1 ln(factor) + 1.
TEST(RotaryTest, yarn_slows_down_what_turns_slowly_and_keeps_what_turns_fast) {
    RotaryShape yarn = trained;
    yarn.scaling = RotaryScaling::yarn;
    yarn.factor = 8;
    const auto speed = [](std::uint32_t pair) {
        if (pair <= 10) return trained_speed(pair);
        if (pair >= 23) return trained_speed(pair) / 8;
        const double slowed = (pair - 10) / 13.0;
        return trained_speed(pair) * (1 - slowed) + trained_speed(pair) / 8 * slowed;
    };
    check_speeds(yarn, speed, 0.1 * std::log(8.0) + 1);
    yarn.magnitude = 0.5;
    check_speeds(yarn, speed, 0.5 * (0.1 * std::log(8.0) + 1));
}

TEST(RotaryTest, yarn_by_a_factor_of_one_changes_nothing) {
    RotaryShape yarn = trained;
    yarn.scaling = RotaryScaling::yarn;
    check_speeds(yarn, trained_speed, 1);
}

}  // namespace
}  // namespace cpu

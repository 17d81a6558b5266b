#include "worker/model_file/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace worker {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

TEST(HalfTest, every_half_and_bfloat_comes_back_as_itself) {
    for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
        const auto word = static_cast<std::uint16_t>(bits);
        if (!std::isnan(float_of_half(word))) {
            EXPECT_EQ(half_of_float(float_of_half(word)), word);
        }
        if (!std::isnan(float_of_bfloat(word))) {
            EXPECT_EQ(bfloat_of_float(float_of_bfloat(word)), word);
        }
    }
}

// What lies between two neighbours goes to the nearer one, and from the middle to the even one.
template <class Widen, class Round>
void check_rounding(std::uint16_t finite_last, Widen widen, Round round) {
    for (std::uint16_t low = 0; low < finite_last; ++low) {
        const auto high = static_cast<std::uint16_t>(low + 1);
        const float middle = widen(low) / 2 + widen(high) / 2;
        EXPECT_EQ(round(middle), low % 2 == 0 ? low : high) << low;
        EXPECT_EQ(round(std::nextafter(middle, 0.0F)), low) << low;
        EXPECT_EQ(round(std::nextafter(middle, infinity)), high) << low;
        EXPECT_EQ(round(-middle), (low % 2 == 0 ? low : high) | 0x8000) << low;
    }
}

TEST(HalfTest, rounds_to_the_nearest) {
    check_rounding(0x7bff, float_of_half, half_of_float);
    check_rounding(0x7f7f, float_of_bfloat, bfloat_of_float);
}

TEST(HalfTest, what_is_too_large_is_infinite_and_what_is_no_number_stays_none) {
    EXPECT_EQ(half_of_float(65519.99F), 0x7bff);
    EXPECT_EQ(half_of_float(65520), 0x7c00);
    EXPECT_EQ(half_of_float(-1e30F), 0xfc00);
    EXPECT_EQ(half_of_float(infinity), 0x7c00);
    EXPECT_EQ(bfloat_of_float(std::numeric_limits<float>::max()), 0x7f80);
    EXPECT_EQ(bfloat_of_float(-infinity), 0xff80);
    for (const std::uint32_t bits : {0x7fc00000U, 0x7f800001U, 0xff80ffffU}) {
        EXPECT_TRUE(std::isnan(float_of_half(half_of_float(std::bit_cast<float>(bits)))));
        EXPECT_TRUE(std::isnan(float_of_bfloat(bfloat_of_float(std::bit_cast<float>(bits)))));
    }
}

}  // namespace
}  // namespace worker

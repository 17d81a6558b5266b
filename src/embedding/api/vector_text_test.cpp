#include "embedding/api/vector_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace embedding {
namespace {

std::string numbers(const std::vector<float>& values) {
    std::string out = "x";
    append_numbers(out, values);
    return out.substr(1);
}

std::string base64(const std::vector<float>& values) {
    std::string out = "x";
    append_base64(out, values);
    return out.substr(1);
}

TEST(VectorTextTest, a_number_is_the_shortest_of_its_float) {
    EXPECT_EQ(numbers({0.1f, -0.25f, 1.0f, 0.0f}), "[0.1,-0.25,1,0]");
    EXPECT_EQ(numbers({1.0f / 3}), "[0.33333334]");
    EXPECT_EQ(numbers({std::numeric_limits<float>::denorm_min()}), "[1e-45]");
    EXPECT_EQ(numbers({-std::numeric_limits<float>::min()}), "[-1.1754944e-38]");
    EXPECT_EQ(numbers({std::numeric_limits<float>::max()}), "[3.4028235e+38]");
    EXPECT_EQ(numbers({}), "[]");
}

RC_GTEST_PROP(VectorTextTest, any_number_is_read_back_as_the_same_float, (std::uint32_t bits)) {
    const float value = std::bit_cast<float>(bits);
    RC_PRE(std::isfinite(value));
    const std::string text = numbers({value});
    float read = 0;
    const auto [end, failure] =
        std::from_chars(text.data() + 1, text.data() + text.size() - 1, read);
    RC_ASSERT(end == text.data() + text.size() - 1);
    RC_ASSERT(std::bit_cast<std::uint32_t>(read) == bits);
}

TEST(VectorTextTest, base64_is_of_the_floats_bytes_little_endian) {
    // 1.0f is 00 00 80 3F.
    EXPECT_EQ(base64({1.0f}), R"("AACAPw==")");
    EXPECT_EQ(base64({1.0f, -2.0f}), R"("AACAPwAAAMA=")");
    EXPECT_EQ(base64({1.0f, -2.0f, 0.0f}), R"("AACAPwAAAMAAAAAA")");
    EXPECT_EQ(base64({}), R"("")");
}

TEST(VectorTextTest, what_is_shortened_is_of_length_one_again) {
    using testing::ElementsAre;
    using testing::FloatEq;
    const std::vector<float> values = {0.3f, 0.4f, 0.8f};
    EXPECT_THAT(shortened(values, 2), ElementsAre(FloatEq(0.6f), FloatEq(0.8f)));
    EXPECT_THAT(shortened(values, 1), ElementsAre(FloatEq(1.0f)));
    EXPECT_THAT(shortened({{0.0f, 0.0f, 1.0f}}, 2), ElementsAre(0.0f, 0.0f));
}

}  // namespace
}  // namespace embedding

#include "cpu/kernels/vector_ops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace cpu {
namespace {

const std::vector<std::uint32_t> counts{1, 7, 16, 31, 64, 80, 576, 1535};
constexpr float epsilon = 1e-5F;

// Of some size, with a mean.
std::vector<float> numbers(std::uint32_t count, std::uint32_t seed) {
    std::mt19937 random(seed * 10'000 + count);
    std::normal_distribution<float> normal(0.5F, 3.0F);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

double mean(const std::vector<float>& x, const std::function<double(double)>& of) {
    double total = 0;
    for (const float one : x) total += of(one);
    return total / static_cast<double>(x.size());
}

void expect_near(const std::vector<float>& got, const std::function<double(std::size_t)>& wanted) {
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double value = wanted(i);
        ASSERT_NEAR(got[i], value, 1e-6 * std::max(1.0, std::abs(value))) << i;
    }
}

class VectorOps : public testing::TestWithParam<Isa> {
protected:
    const VectorKernels& kernels_ = vector_kernels(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Isa, VectorOps, testing::ValuesIn(available()),
                         [](const auto& of) { return std::string(name(of.param)); });

TEST_P(VectorOps, rms_norm_divides_by_the_root_of_the_mean_square) {
    for (const std::uint32_t count : counts) {
        const std::vector<float> x = numbers(count, 1);
        const std::vector<float> weight = numbers(count, 2);
        std::vector<float> out(count);
        kernels_.rms_norm(x.data(), weight.data(), count, epsilon, out.data());
        const double root =
            std::sqrt(mean(x, [](double one) { return one * one; }) + double{epsilon});
        expect_near(out, [&](std::size_t i) { return double{x[i]} / root * double{weight[i]}; });
        std::vector<float> in_place = x;
        kernels_.rms_norm(in_place.data(), weight.data(), count, epsilon, in_place.data());
        EXPECT_EQ(in_place, out);
    }
}

TEST_P(VectorOps, layer_norm_takes_the_mean_off_first) {
    for (const std::uint32_t count : counts) {
        const std::vector<float> x = numbers(count, 1);
        const std::vector<float> weight = numbers(count, 2);
        const std::vector<float> bias = numbers(count, 3);
        std::vector<float> out(count);
        kernels_.layer_norm(x.data(), weight.data(), bias.data(), count, epsilon, out.data());
        const double middle = mean(x, [](double one) { return one; });
        const double variance =
            mean(x, [&](double one) { return (one - middle) * (one - middle); });
        const double root = std::sqrt(variance + double{epsilon});
        expect_near(out, [&](std::size_t i) {
            return (double{x[i]} - middle) / root * double{weight[i]} + double{bias[i]};
        });
        std::vector<float> in_place = x;
        kernels_.layer_norm(in_place.data(), weight.data(), bias.data(), count, epsilon,
                            in_place.data());
        EXPECT_EQ(in_place, out);
    }
}

TEST_P(VectorOps, silu_multiply_gates) {
    for (const std::uint32_t count : counts) {
        const std::vector<float> x = numbers(count, 1);
        const std::vector<float> up = numbers(count, 2);
        std::vector<float> gate = x;
        kernels_.silu_multiply(gate.data(), up.data(), count);
        expect_near(gate, [&](std::size_t i) {
            return double{x[i]} / (1 + std::exp(-double{x[i]})) * double{up[i]};
        });
    }
}

// The relative error counts far out as well.
TEST_P(VectorOps, silu_is_exact_far_from_zero) {
    const float one = 1;
    for (int i = -6'400; i <= 20'000; ++i) {
        const float x = static_cast<float>(i) / 100;
        float gate = x;
        kernels_.silu_multiply(&gate, &one, 1);
        const double wanted = double{x} / (1 + std::exp(-double{x}));
        ASSERT_NEAR(gate, wanted, 4e-7 * std::abs(wanted)) << x;
    }
    float gate = -1000;
    kernels_.silu_multiply(&gate, &one, 1);
    EXPECT_NEAR(gate, 0, 1e-30);
}

TEST_P(VectorOps, gelu_goes_by_tanh) {
    for (const std::uint32_t count : counts) {
        const std::vector<float> x = numbers(count, 1);
        std::vector<float> out = x;
        kernels_.gelu(out.data(), count);
        expect_near(out, [&](std::size_t i) {
            const double one = x[i];
            return one / 2 *
                   (1 + std::tanh(std::sqrt(2 / M_PI) * (one + 0.044715 * one * one * one)));
        });
    }
    std::vector<float> far{-1000, 1000};
    kernels_.gelu(far.data(), 2);
    EXPECT_NEAR(far[0], 0, 1e-30);
    EXPECT_EQ(far[1], 1000);
}

TEST_P(VectorOps, add_adds) {
    for (const std::uint32_t count : counts) {
        std::vector<float> x = numbers(count, 1);
        const std::vector<float> before = x;
        const std::vector<float> y = numbers(count, 2);
        kernels_.add(x.data(), y.data(), count);
        for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(x[i], before[i] + y[i]);
    }
}

TEST_P(VectorOps, rotations_turn_pairs_and_leave_the_rest) {
    for (const std::uint32_t pairs : {1U, 5U, 16U, 32U, 48U}) {
        const std::vector<float> angles = numbers(pairs, 1);
        const std::vector<float> x = numbers(2 * pairs + 3, 2);
        std::vector<float> cosines;
        std::vector<float> sines;
        for (const float angle : angles) {
            cosines.push_back(std::cos(angle));
            sines.push_back(std::sin(angle));
        }
        std::vector<float> neighbours = x;
        kernels_.rotate_pairs(neighbours.data(), cosines.data(), sines.data(), pairs);
        std::vector<float> halves = x;
        kernels_.rotate_halves(halves.data(), cosines.data(), sines.data(), pairs);
        const auto turned = [&](std::size_t pair, double a, double b) {
            return std::pair(a * double{cosines[pair]} - b * double{sines[pair]},
                             a * double{sines[pair]} + b * double{cosines[pair]});
        };
        expect_near(neighbours, [&](std::size_t i) -> double {
            if (i >= std::size_t{2} * pairs) return x[i];
            const auto [a, b] = turned(i / 2, x[i / 2 * 2], x[i / 2 * 2 + 1]);
            return i % 2 == 0 ? a : b;
        });
        expect_near(halves, [&](std::size_t i) -> double {
            if (i >= std::size_t{2} * pairs) return x[i];
            const auto [a, b] = turned(i % pairs, x[i % pairs], x[i % pairs + pairs]);
            return i < pairs ? a : b;
        });
    }
}

}  // namespace
}  // namespace cpu

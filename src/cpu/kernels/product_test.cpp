#include "cpu/kernels/product.h"

#include "cpu/kernels/dequantize.h"
#include "tests/support/random_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

namespace cpu {
namespace {

// Memory of `Rows`.
class RowsMemory {
public:
    RowsMemory(std::uint32_t count, std::uint32_t depth)
        : values_(std::size_t{count} * depth),
          scales_(std::size_t{count} * depth / block_depth * sizeof(float)),
          sums_(scales_.size()),
          floats_(values_.size() * sizeof(float)),
          rows_{.depth = depth,
                .values = reinterpret_cast<std::int8_t*>(values_.data()),
                .scales = reinterpret_cast<float*>(scales_.data()),
                .sums = reinterpret_cast<std::int32_t*>(sums_.data()),
                .floats = reinterpret_cast<float*>(floats_.data())} {}

    const Rows& rows() const { return rows_; }

private:
    AlignedBuffer values_;
    AlignedBuffer scales_;
    AlignedBuffer sums_;
    AlignedBuffer floats_;
    Rows rows_;
};

struct Shape {
    std::uint32_t depth = 0;
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
};

// A random matrix of a type and random rows, as files and callers would have them.
struct Problem {
    Problem(const worker::GgmlType& type, const Shape& shape)
        : Problem(type, shape,
                  RandomWeights(shape.depth + shape.columns + shape.rows)
                      .of(type, std::size_t{shape.depth} * shape.columns)) {
        RandomWeights random(shape.depth);
        for (std::size_t i = 0; i < std::size_t{shape.rows} * shape.depth; ++i)
            memory.rows().floats[i] = random.number();
        quantize(shape.rows);
    }

    // Rows are zeros.
    Problem(const worker::GgmlType& type, const Shape& shape, const std::vector<std::byte>& file)
        : matrix(type, shape.depth, shape.columns),
          memory(shape.rows, shape.depth),
          weights(std::size_t{shape.depth} * shape.columns) {
        dequantize(type, file, weights);
        matrix.pack({.begin = 0, .end = matrix.tiles()}, file);
    }

    void quantize(std::uint32_t row_count) {
        const Rows& rows = memory.rows();
        for (std::uint32_t row = 0; row < row_count; ++row)
            product_kernels(Isa::portable)
                .quantize(rows.floats + std::size_t{row} * rows.depth, rows.depth, rows, row, 0);
    }

    double activation(std::uint32_t row, std::uint32_t d) const {
        const Rows& rows = memory.rows();
        const std::size_t at = std::size_t{row} * rows.depth + d;
        if (!matrix.reads_integers()) return rows.floats[at];
        return static_cast<double>(rows.values[at]) * rows.scales[at / block_depth];
    }

    // [which.size()][16 * tiles.size()]
    std::vector<float> multiply(Isa isa, Range tiles, Range which) const {
        const std::size_t stride = tiles.size() * tile_columns;
        std::vector<float> out(which.size() * stride, std::numeric_limits<float>::quiet_NaN());
        product_kernels(isa).multiply(matrix, tiles, memory.rows(), which, out.data(), stride);
        return out;
    }

    PackedMatrix matrix;
    RowsMemory memory;
    std::vector<float> weights;  // [columns][depth]
};

class Products : public testing::TestWithParam<std::tuple<Isa, std::string_view>> {
protected:
    Isa isa() const { return std::get<0>(GetParam()); }
    const worker::GgmlType& type() const {
        return *worker::find_ggml_type(std::get<1>(GetParam()));
    }
};

TEST_P(Products, are_those_of_double_precision) {
    for (const Shape shape : {Shape{.depth = 256, .columns = 16, .rows = 1},
                              Shape{.depth = 768, .columns = 75, .rows = 7},
                              Shape{.depth = 2560, .columns = 33, .rows = 19}}) {
        const Problem problem(type(), shape);
        const std::uint32_t tiles = problem.matrix.tiles();
        const auto out =
            problem.multiply(isa(), {.begin = 0, .end = tiles}, {.begin = 0, .end = shape.rows});
        for (std::uint32_t row = 0; row < shape.rows; ++row) {
            for (std::uint32_t column = 0; column < tiles * tile_columns; ++column) {
                double expected = 0;
                double size = 1e-30;
                for (std::uint32_t d = 0; d < shape.depth && column < shape.columns; ++d) {
                    const double part = problem.activation(row, d) *
                                        problem.weights[std::size_t{column} * shape.depth + d];
                    expected += part;
                    size += std::fabs(part);
                }
                // A weight with an offset may be far less than what it is the difference of.
                ASSERT_NEAR(out[std::size_t{row} * tiles * tile_columns + column], expected,
                            4e-6 * size)
                    << "depth " << shape.depth << " row " << row << " column " << column;
            }
        }
    }
}

TEST_P(Products, of_the_greatest_numbers_there_are_do_not_overflow) {
    constexpr Shape shape{.depth = 256, .columns = 16, .rows = 2};
    for (const unsigned byte : {0x00U, 0xffU, 0x80U, 0x7fU}) {
        Problem problem(type(), shape,
                        RandomWeights(byte).of_bytes(static_cast<std::byte>(byte), type(),
                                                     shape.depth * shape.columns));
        std::fill_n(problem.memory.rows().floats, shape.depth, 1.0F);
        std::fill_n(problem.memory.rows().floats + shape.depth, shape.depth, -1.0F);
        problem.quantize(shape.rows);
        const auto out = problem.multiply(isa(), {.begin = 0, .end = 1}, {.begin = 0, .end = 2});
        for (std::uint32_t column = 0; column < shape.columns; ++column) {
            double expected = 0;
            double size = 1e-30;
            for (std::uint32_t d = 0; d < shape.depth; ++d) {
                expected += problem.weights[column * shape.depth + d];
                size += std::fabs(problem.weights[column * shape.depth + d]);
            }
            ASSERT_NEAR(out[column], expected, 1e-5 * size) << byte << " column " << column;
            ASSERT_NEAR(out[tile_columns + column], -expected, 1e-5 * size) << byte;
        }
    }
}

TEST_P(Products, of_a_row_are_the_same_to_the_bit_in_any_company) {
    constexpr std::uint32_t row = 2;
    const Problem problem(type(), {.depth = 2304, .columns = 150, .rows = 40});
    const auto alone = problem.multiply(isa(), {.begin = 0, .end = problem.matrix.tiles()},
                                        {.begin = row, .end = row + 1});
    for (const std::uint32_t count : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 17U, 32U, 38U}) {
        const Range which{.begin = count < 3 ? row : row - 2, .end = row + count};
        for (const Range tiles : {Range{.begin = 0, .end = 10}, Range{.begin = 3, .end = 4},
                                  Range{.begin = 1, .end = 8}, Range{.begin = 5, .end = 10}}) {
            const auto out = problem.multiply(isa(), tiles, which);
            const std::size_t stride = tiles.size() * tile_columns;
            for (std::size_t column = 0; column < stride; ++column)
                ASSERT_EQ(out[(row - which.begin) * stride + column],
                          alone[tiles.begin * tile_columns + column])
                    << count << " rows, tile " << tiles.begin << ", column " << column;
        }
    }
}

TEST_P(Products, stay_within_their_part_of_the_output) {
    const Problem problem(type(), {.depth = 256, .columns = 64, .rows = 3});
    std::vector<float> out(5 * 100, 7);
    product_kernels(isa()).multiply(problem.matrix, {.begin = 1, .end = 3}, problem.memory.rows(),
                                    {.begin = 0, .end = 3}, out.data() + 100 + 1, 100);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t row = i / 100;
        const std::size_t column = i % 100;
        const bool inside = row >= 1 && row < 4 && column >= 1 && column < 33;
        ASSERT_EQ(out[i] == 7, !inside) << row << " " << column;
    }
}

TEST_P(Products, of_a_row_without_a_meaning_have_none_and_leave_the_others_alone) {
    Problem problem(type(), {.depth = 512, .columns = 16, .rows = 3});
    const Range tiles{.begin = 0, .end = 1};
    const Range which{.begin = 0, .end = 3};
    const auto before = problem.multiply(isa(), tiles, which);
    const Rows& rows = problem.memory.rows();
    rows.floats[512 + 300] = std::numeric_limits<float>::quiet_NaN();
    product_kernels(isa()).quantize(rows.floats + 512, 512, rows, 1, 0);
    const auto after = problem.multiply(isa(), tiles, which);
    for (std::size_t column = 0; column < tile_columns; ++column) {
        EXPECT_TRUE(std::isnan(after[tile_columns + column]));
        EXPECT_EQ(after[column], before[column]);
        EXPECT_EQ(after[2 * tile_columns + column], before[2 * tile_columns + column]);
    }
}

INSTANTIATE_TEST_SUITE_P(, Products,
                         testing::Combine(testing::ValuesIn(available()),
                                          testing::ValuesIn(cpu_weight_types)),
                         [](const auto& combination) {
                             return std::string(name(std::get<0>(combination.param))) + "_" +
                                    std::string(std::get<1>(combination.param));
                         });

class Quantize : public testing::TestWithParam<Isa> {};

TEST_P(Quantize, rounds_to_the_nearest_and_half_to_even) {
    RowsMemory memory(1, 96);
    float x[32] = {127, -127, 0.5F, 1.5F, 2.5F, -0.5F, -1.5F, 0.49F, 126.4F, -126.6F};
    product_kernels(GetParam()).quantize(x, 32, memory.rows(), 0, 32);
    const Rows& rows = memory.rows();
    EXPECT_EQ(std::vector<int>(rows.values + 32, rows.values + 42),
              (std::vector<int>{127, -127, 0, 2, 2, 0, -2, 0, 126, -127}));
    EXPECT_EQ(rows.scales[1], 1);
    EXPECT_EQ(rows.sums[1], 1);
    EXPECT_EQ(rows.scales[0], 0);
    EXPECT_EQ(rows.scales[2], 0);
}

TEST_P(Quantize, is_the_same_with_every_instruction_set) {
    constexpr std::uint32_t depth = 32 * 64;
    RowsMemory portable(3, depth);
    RowsMemory other(3, depth);
    RandomWeights random(5);
    for (std::uint32_t row = 0; row < 3; ++row) {
        std::vector<float> x(depth);
        for (std::size_t i = 0; i < depth; ++i)
            x[i] = std::ldexp(random.number(), static_cast<int>(i / 32) * 4 - 130);
        product_kernels(Isa::portable).quantize(x.data(), depth, portable.rows(), row, 0);
        product_kernels(GetParam()).quantize(x.data(), depth, other.rows(), row, 0);
    }
    for (std::size_t i = 0; i < std::size_t{3} * depth; ++i) {
        ASSERT_EQ(portable.rows().values[i], other.rows().values[i]) << i;
        ASSERT_EQ(portable.rows().scales[i / 32], other.rows().scales[i / 32]) << i;
        ASSERT_EQ(portable.rows().sums[i / 32], other.rows().sums[i / 32]) << i;
    }
}

TEST_P(Quantize, takes_any_float) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    struct Case {
        float value;
        bool finite;
    };
    for (const Case& c : {Case{0, true}, Case{1e-45F, true}, Case{-1e-37F, true},
                          Case{3.4e38F, true}, Case{infinity, false}, Case{-infinity, false},
                          Case{std::numeric_limits<float>::quiet_NaN(), false}}) {
        RowsMemory memory(1, 32);
        const Rows& rows = memory.rows();
        float x[32] = {0, 0, c.value};
        product_kernels(GetParam()).quantize(x, 32, rows, 0, 0);
        EXPECT_EQ(std::isfinite(rows.scales[0]), c.finite) << c.value;
        int sum = 0;
        for (int i = 0; i < 32; ++i) {
            EXPECT_GE(rows.values[i], -127) << c.value;
            sum += rows.values[i];
        }
        EXPECT_EQ(rows.sums[0], sum) << c.value;
    }
}

INSTANTIATE_TEST_SUITE_P(, Quantize, testing::ValuesIn(available()),
                         [](const auto& isa) { return std::string(name(isa.param)); });

}  // namespace
}  // namespace cpu

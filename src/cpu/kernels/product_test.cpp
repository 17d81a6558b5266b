#include "cpu/kernels/product.h"

#include "cpu/kernels/dequantize.h"
#include "tests/support/random_weights.h"

#include <gtest/gtest.h>

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
        : blocks_((count + group_rows - 1) / group_rows * group_rows * (depth / block_depth)),
          values_(blocks_ * block_depth),
          scales_(2 * blocks_ * sizeof(float)),
          sums_(2 * blocks_ * sizeof(std::int32_t)),
          floats_(blocks_ * block_depth * sizeof(float)),
          rows_{.depth = depth,
                .values = reinterpret_cast<std::int8_t*>(values_.data()),
                .scales = reinterpret_cast<float*>(scales_.data()),
                .scaled_sums = reinterpret_cast<float*>(scales_.data()) + blocks_,
                .sums = {reinterpret_cast<std::int32_t*>(sums_.data()),
                         reinterpret_cast<std::int32_t*>(sums_.data()) + blocks_},
                .floats = reinterpret_cast<float*>(floats_.data())} {}

    const Rows& rows() const { return rows_; }

    // The numbers of a row, as both of its forms.
    void write(Isa isa, std::uint32_t row, const std::vector<float>& x) const {
        product_kernels(isa).quantize(x.data(), static_cast<std::uint32_t>(x.size()), rows_, row,
                                      0);
        for (std::uint32_t d = 0; d < x.size(); ++d) float_at(row, d) = x[d];
    }

    std::int8_t& value_at(std::uint32_t row, std::uint32_t d) const {
        return rows_.values[rows_.block_at(row, d) * block_depth + d % block_depth];
    }
    float& float_at(std::uint32_t row, std::uint32_t d) const {
        return rows_.floats[rows_.block_at(row, d) * block_depth + d % block_depth];
    }

private:
    std::size_t blocks_;
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
        std::vector<float> x(shape.depth);
        for (std::uint32_t row = 0; row < shape.rows; ++row) {
            for (float& number : x) number = random.number();
            memory.write(Isa::portable, row, x);
        }
    }

    // Rows are zeros.
    Problem(const worker::GgmlType& type, const Shape& shape, const std::vector<std::byte>& file)
        : matrix(type, shape.depth, shape.columns),
          memory(shape.rows, shape.depth),
          weights(std::size_t{shape.depth} * shape.columns) {
        dequantize(type, file, weights);
        matrix.pack({.begin = 0, .end = matrix.tiles()}, file);
    }

    double activation(std::uint32_t row, std::uint32_t d) const {
        if (!matrix.reads_integers()) return memory.float_at(row, d);
        const Rows& rows = memory.rows();
        return static_cast<double>(memory.value_at(row, d)) * rows.scales[rows.block_at(row, d)];
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
        problem.memory.write(Isa::portable, 0, std::vector<float>(shape.depth, 1));
        problem.memory.write(Isa::portable, 1, std::vector<float>(shape.depth, -1));
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
    constexpr std::uint32_t row = 10;
    const Problem problem(type(), {.depth = 2304, .columns = 150, .rows = 48});
    const auto alone = problem.multiply(isa(), {.begin = 0, .end = problem.matrix.tiles()},
                                        {.begin = row, .end = row + 1});
    for (const std::uint32_t count : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 17U, 32U, 38U}) {
        const Range which{.begin = count < 3 ? row : row - count % 4, .end = row + count};
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
    std::vector<float> x(512, 1);
    x[300] = std::numeric_limits<float>::quiet_NaN();
    problem.memory.write(isa(), 1, x);
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
    x[20] = 5;
    product_kernels(GetParam()).quantize(x, 32, memory.rows(), 0, 32);
    const Rows& rows = memory.rows();
    const std::size_t at = rows.block_at(0, 32);
    const std::int8_t* const values = rows.values + at * block_depth;
    EXPECT_EQ(std::vector<int>(values, values + 10),
              (std::vector<int>{127, -127, 0, 2, 2, 0, -2, 0, 126, -127}));
    EXPECT_EQ(rows.scales[at], 1);
    EXPECT_EQ(rows.sums[0][at], 1);
    EXPECT_EQ(rows.sums[1][at], 5);
    EXPECT_EQ(rows.scaled_sums[at], 6);
    EXPECT_EQ(rows.scales[rows.block_at(0, 0)], 0);
    EXPECT_EQ(rows.scales[rows.block_at(0, 64)], 0);
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
        portable.write(Isa::portable, row, x);
        other.write(GetParam(), row, x);
    }
    // What fills the last group, which neither wrote, included.
    for (std::size_t i = 0; i < std::size_t{group_rows} * depth; ++i) {
        const std::size_t at = i / block_depth;
        ASSERT_EQ(portable.rows().values[i], other.rows().values[i]) << i;
        ASSERT_EQ(portable.rows().scales[at], other.rows().scales[at]) << i;
        ASSERT_EQ(portable.rows().scaled_sums[at], other.rows().scaled_sums[at]) << i;
        ASSERT_EQ(portable.rows().sums[0][at], other.rows().sums[0][at]) << i;
        ASSERT_EQ(portable.rows().sums[1][at], other.rows().sums[1][at]) << i;
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
        EXPECT_EQ(rows.sums[0][0] + rows.sums[1][0], sum) << c.value;
    }
}

INSTANTIATE_TEST_SUITE_P(, Quantize, testing::ValuesIn(available()),
                         [](const auto& isa) { return std::string(name(isa.param)); });

}  // namespace
}  // namespace cpu

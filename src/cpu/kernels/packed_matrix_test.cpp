#include "cpu/kernels/packed_matrix.h"

#include "cpu/kernels/dequantize.h"
#include "cpu/kernels/tile_block.h"
#include "tests/support/random_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace cpu {
namespace {

constexpr std::uint32_t depth = 512;

class PackedTypes : public testing::TestWithParam<std::string_view> {
protected:
    const worker::GgmlType& type() const { return *worker::find_ggml_type(GetParam()); }
};

// One column, as [depth] weights.
std::vector<float> unpack(const PackedMatrix& matrix, std::uint32_t column) {
    std::vector<float> weights;
    const std::byte* const tile = matrix.tile(column / tile_columns);
    const std::uint32_t in_tile = column % tile_columns;
    TileIntegers integers;
    TileFloats floats;
    for (std::uint32_t d = 0; d < matrix.depth(); ++d) {
        const std::uint32_t at = d % block_depth;
        if (!matrix.reads_integers()) {
            if (at == 0) read_tile(matrix.format(), tile, d / block_depth, floats);
            weights.push_back(floats.weights[at][in_tile]);
            continue;
        }
        if (at == 0) read_tile(matrix.format(), tile, d / block_depth, integers);
        weights.push_back(integers.scales[at / 16][in_tile] *
                              static_cast<float>(integers.weights[at][in_tile]) +
                          integers.offsets[in_tile]);
    }
    return weights;
}

TEST_P(PackedTypes, what_is_unpacked_is_what_the_file_says) {
    constexpr std::uint32_t columns = 37;
    const auto file = RandomWeights(1).of(type(), std::size_t{depth} * columns);
    std::vector<float> expected(std::size_t{depth} * columns);
    dequantize(type(), file, expected);

    PackedMatrix matrix(type(), depth, columns);
    ASSERT_EQ(matrix.tiles(), 3U);
    const std::span<const std::byte> rows(file);
    const std::size_t tile_rows_bytes = file.size() / columns * tile_columns;
    matrix.pack({.begin = 1, .end = 3}, rows.subspan(tile_rows_bytes));
    matrix.pack({.begin = 0, .end = 1}, rows.first(tile_rows_bytes));
    for (std::uint32_t column = 0; column < columns; ++column) {
        const auto begin = expected.begin() + column * depth;
        const std::vector<float> weights(begin, begin + depth);
        ASSERT_EQ(unpack(matrix, column), weights) << column;
        std::vector<float> read(depth);
        matrix.read_column(column, read.data());
        ASSERT_EQ(read, weights) << column;
    }
    for (const float weight : unpack(matrix, columns)) ASSERT_EQ(weight, 0);
}

TEST_P(PackedTypes, packed_weights_take_hardly_more_than_the_file) {
    const PackedMatrix matrix(type(), depth, 64);
    const std::size_t file_bytes =
        std::size_t{depth} * 64 / type().block_elements * type().block_bytes;
    EXPECT_LE(static_cast<double>(matrix.bytes()), 1.15 * static_cast<double>(file_bytes));
}

TEST_P(PackedTypes, a_depth_is_of_whole_blocks) {
    const std::uint32_t least = std::max(type().block_elements, block_depth);
    EXPECT_TRUE(can_pack(type(), least));
    EXPECT_TRUE(can_pack(type(), std::uint64_t{9} * least));
    EXPECT_FALSE(can_pack(type(), 0));
    EXPECT_FALSE(can_pack(type(), least / 2));
    EXPECT_FALSE(can_pack(type(), least + least / 2));
}

INSTANTIATE_TEST_SUITE_P(, PackedTypes, testing::ValuesIn(cpu_weight_types),
                         [](const auto& type) { return std::string(type.param); });

TEST(PackedMatrix, matrices_lie_side_by_side_in_memory_of_the_caller) {
    const worker::GgmlType& type = *worker::find_ggml_type("q4_0");
    const std::size_t bytes = PackedMatrix::bytes_of(type, 32, 16);
    EXPECT_EQ(bytes % 64, 0U);
    const AlignedBuffer memory(2 * bytes);
    PackedMatrix first(type, 32, 16, memory.data());
    PackedMatrix second(type, 32, 16, memory.data() + bytes);
    const auto file = RandomWeights(1).of(type, std::size_t{32} * 16);
    first.pack({.begin = 0, .end = 1}, file);
    EXPECT_EQ(unpack(second, 15), std::vector<float>(32, 0));
    const PackedMatrix moved = std::move(first);
    second.pack({.begin = 0, .end = 1}, file);
    EXPECT_EQ(unpack(moved, 15), unpack(second, 15));
}

TEST(PackedMatrix, other_types_are_refused) {
    EXPECT_FALSE(can_pack(*worker::find_ggml_type("q3_k"), 256));
}

}  // namespace
}  // namespace cpu

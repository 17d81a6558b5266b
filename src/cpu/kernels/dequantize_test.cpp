#include "cpu/kernels/dequantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

namespace cpu {
namespace {

using Bytes = std::vector<unsigned>;

// The weights of `blocks`, whose bytes beyond those given are zero.
std::vector<float> weights(std::string_view name, const Bytes& bytes, std::size_t blocks = 1) {
    const worker::GgmlType& type = *worker::find_ggml_type(name);
    std::vector<std::byte> file(blocks * type.block_bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) file[i] = static_cast<std::byte>(bytes[i]);
    std::vector<float> out(blocks * type.block_elements);
    dequantize(type, file, out);
    return out;
}

TEST(Dequantize, floats_are_what_their_bits_say) {
    EXPECT_THAT(weights("f32", {0, 0, 0x20, 0xc0}), testing::ElementsAre(-2.5F));
    EXPECT_THAT(weights("bf16", {0x20, 0xc0}), testing::ElementsAre(-2.5F));
    EXPECT_THAT(weights("f16", {0, 0xc1, 1, 0, 0xff, 0x7b, 0, 4, 0xff, 0x83, 0, 0x7c}, 6),
                testing::ElementsAre(-2.5F, 0x1p-24F, 65504.0F, 0x1p-14F, -1023 * 0x1p-24F,
                                     std::numeric_limits<float>::infinity()));
    EXPECT_TRUE(std::isnan(weights("f16", {1, 0x7c})[0]));
}

TEST(Dequantize, a_byte_of_q4_0_holds_two_weights_16_apart) {
    const auto w = weights("q4_0", {0, 0x38, 0xf1, 0x28});  // 0.5
    EXPECT_EQ(w[0], 0.5F * (1 - 8));
    EXPECT_EQ(w[16], 0.5F * (15 - 8));
    EXPECT_EQ(w[1], 0);
    EXPECT_EQ(w[17], 0.5F * (2 - 8));
}

TEST(Dequantize, q4_1_adds_its_least) {
    const auto w = weights("q4_1", {0, 0x38, 0, 0xbc, 0xf1});  // 0.5, -1
    EXPECT_EQ(w[0], 0.5F * 1 - 1);
    EXPECT_EQ(w[16], 0.5F * 15 - 1);
    EXPECT_EQ(w[31], -1);
}

TEST(Dequantize, iq4_nl_looks_its_weights_up) {
    const auto w = weights("iq4_nl", {0, 0x38, 0xf0, 0x98});
    EXPECT_EQ(w[0], 0.5F * -127);
    EXPECT_EQ(w[16], 0.5F * 113);
    EXPECT_EQ(w[1], 0.5F * 1);
    EXPECT_EQ(w[17], 0.5F * 13);
}

TEST(Dequantize, q5_keeps_the_fifth_bits_apart) {
    const auto w = weights("q5_0", {0, 0x38, 0x02, 0, 0x01, 0, 0xf1, 0x07});
    EXPECT_EQ(w[0], 0.5F * (1 - 16));
    EXPECT_EQ(w[1], 0.5F * (7 + 16 - 16));
    EXPECT_EQ(w[16], 0.5F * (15 + 16 - 16));
    EXPECT_EQ(w[17], 0.5F * -16);
    const auto v = weights("q5_1", {0, 0x38, 0, 0xbc, 0x02, 0, 0x01, 0, 0xf1, 0x07});
    EXPECT_EQ(v[0], 0.5F * 1 - 1);
    EXPECT_EQ(v[1], 0.5F * 23 - 1);
    EXPECT_EQ(v[16], 0.5F * 31 - 1);
}

TEST(Dequantize, q8_0_is_signed) {
    const auto w = weights("q8_0", {0, 0x38, 0x80, 0x7f, 0xff});
    EXPECT_EQ(w[0], -64);
    EXPECT_EQ(w[1], 63.5F);
    EXPECT_EQ(w[2], -0.5F);
    EXPECT_EQ(w[31], 0);
}

// d = 0.5, dmin = 1; sub-block 0: scale 3, min 2; sub-block 5: scale 0x21, min 0x1a.
const Bytes k_head = {0, 0x38, 0, 0x3c, 3, 0x80, 0, 0, 2, 0x40, 0, 0, 0, 0xa1};

TEST(Dequantize, q4_k_scales_its_scales) {
    Bytes bytes = k_head;
    bytes.resize(144);
    bytes[16] = 0x0f;           // weight 0
    bytes[16 + 64 + 1] = 0x70;  // weight 5 * 32 + 1
    const auto w = weights("q4_k", bytes);
    EXPECT_EQ(w[0], 0.5F * 3 * 15 - 2);
    EXPECT_EQ(w[32], 0);
    EXPECT_EQ(w[160], -26);
    EXPECT_EQ(w[161], 0.5F * 0x21 * 7 - 26);
}

TEST(Dequantize, q5_k_has_a_bit_more_for_each_of_eight) {
    Bytes bytes = k_head;
    bytes.resize(176);
    bytes[16] = 0x01;                // fifth bit of weight 0
    bytes[16 + 1] = 0x20;            // of weight 5 * 32 + 1
    bytes[16 + 32 + 64 + 1] = 0x70;  // weight 5 * 32 + 1
    const auto w = weights("q5_k", bytes);
    EXPECT_EQ(w[0], 0.5F * 3 * 16 - 2);
    EXPECT_EQ(w[161], 0.5F * 0x21 * 23 - 26);
    EXPECT_EQ(w[160], -26);
}

TEST(Dequantize, q6_k_has_a_signed_scale_for_16_weights) {
    Bytes bytes(210);
    bytes[209] = 0x38;       // d = 0.5
    bytes[192 + 1] = 0xfe;   // weights 16 to 31: -2
    bytes[192 + 15] = 3;     // weights 240 to 255
    bytes[17] = 0x05;        // weight 17
    bytes[128 + 17] = 0x01;  // two bits above it
    bytes[64 + 63] = 0xa0;   // weight 255
    bytes[128 + 32 + 31] = 0xc0;
    const auto w = weights("q6_k", bytes);
    EXPECT_EQ(w[0], 0);
    EXPECT_EQ(w[16], 0.5F * -2 * -32);
    EXPECT_EQ(w[17], 0.5F * -2 * (0x15 - 32));
    EXPECT_EQ(w[255], 0.5F * 3 * (0x3a - 32));
}

TEST(Dequantize, other_types_are_left_to_others) {
    for (const auto* name : {"q2_k", "q3_k", "iq4_xs", "mxfp4", "i8", "q8_1"})
        EXPECT_FALSE(can_dequantize(*worker::find_ggml_type(name))) << name;
}

}  // namespace
}  // namespace cpu

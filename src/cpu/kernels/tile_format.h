#pragma once

#include <cstdint>

namespace cpu {

// How the weights of a packed matrix are kept: one for each of a file's types, and exact.
enum class TileFormat : std::uint8_t {
    f32,
    f16,
    bf16,
    q4_0,
    q4_1,
    iq4_nl,
    q5_0,
    q5_1,
    q8_0,
    q4_k,
    q5_k,
    q6_k,
};

// A tile is a sequence of groups: blocks of 16 columns × 32 depth, then what scales them.
//
// Floats: [32 depth][16 columns], and no scales.
//
// Integers ("codes") of a block, in groups of 4 depths, as products of bytes want them:
//   4 bits:  [4 k][16 columns][4 depths], a byte the code of depth 4k + i below that of 16 + 4k + i
//   5 bits:  the lower 4 like these; then [16 columns][4 depths], bit g the fifth of 4g + i
//   6 bits:  the lower 4; then twice [16 columns][4 depths], two bits each for four g
//   8 bits:  [8 g][16 columns][4 depths]
// Then for the group: f16 scales[16], f16 offsets[16] where there are any; in the formats of 256
// depths also the factors of the scales, [blocks][16] bytes (q6_k: [half blocks][16]), and those of
// the offsets. A weight is scale * (code - zero) + offset, of iq4_nl scale * iq4_nl_weights[code].
struct TileLayout {
    std::uint32_t bits;          // of a weight
    std::int32_t zero;           // the code of 0
    std::uint32_t group_blocks;  // blocks that share scales
    std::uint32_t block_bytes;
    std::uint32_t group_bytes;
};

constexpr TileLayout tile_layout(TileFormat format) {
    switch (format) {
        case TileFormat::f32: return {32, 0, 1, 2048, 2048};
        case TileFormat::f16: return {16, 0, 1, 1024, 1024};
        case TileFormat::bf16: return {16, 0, 1, 1024, 1024};
        case TileFormat::q4_0: return {4, 8, 1, 256, 256 + 32};
        case TileFormat::q4_1: return {4, 0, 1, 256, 256 + 64};
        case TileFormat::iq4_nl: return {4, 0, 1, 256, 256 + 32};
        case TileFormat::q5_0: return {5, 16, 1, 320, 320 + 32};
        case TileFormat::q5_1: return {5, 0, 1, 320, 320 + 64};
        case TileFormat::q8_0: return {8, 128, 1, 512, 512 + 32};
        case TileFormat::q4_k: return {4, 0, 8, 256, 8 * 256 + 64 + 256};
        case TileFormat::q5_k: return {5, 0, 8, 320, 8 * 320 + 64 + 256};
        case TileFormat::q6_k: return {6, 32, 8, 384, 8 * 384 + 32 + 256};
    }
    return {};
}

constexpr bool is_float(TileFormat format) {
    return tile_layout(format).bits >= 16;
}

// Source: kvalues_iq4nl in ggml-common.h.
inline constexpr std::int8_t iq4_nl_weights[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                   1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace cpu

#pragma once

#include "cpu/kernels/isa.h"

#include <cstddef>
#include <cstdint>

namespace cpu {

inline constexpr std::uint32_t page_tokens = 32;
// Keys that are summed up together before they are merged into the rest, whatever the number of
// threads: a row's result is the same in every batch.
inline constexpr std::uint32_t span_tokens = 256;

// Keys and values of one KV head in a page of 32 tokens, f16. Never NaN or infinite, since masked
// tokens are multiplied by zero.
struct HeadPage {
    std::uint16_t* keys;    // [head_dim][32]
    std::uint16_t* values;  // [32][head_dim]
};

// What query heads of a group have seen of a span, for each of `rows * heads` queries; sums are
// relative to exp(maximum).
struct PartialAttention {
    float* maxima;   // [rows * heads]
    float* sums;     // [rows * heads]
    float* outputs;  // [rows * heads][head_dim], not yet divided by the sum
};

// Consecutive rows of one sequence, with the query heads that share a KV head.
struct AttentionBlock {
    const float* queries = nullptr;  // [rows][heads][head_dim]
    std::size_t row_stride = 0;      // floats from one row's queries to the next
    std::uint32_t rows = 0;          // at most `attention_rows_max`
    std::uint32_t heads = 0;
    std::uint32_t head_dim = 0;  // a multiple of 16
    float scale = 0;             // of the scores
    std::uint32_t position = 0;  // of the first row: it sees the keys 0..position
    std::uint32_t window = 0;    // sees the last `window` keys only, its own among them; 0: all
};

inline constexpr std::uint32_t attention_rows_max = 16;

struct AttentionKernels {
    // Head vectors of one token into slot `token` of a page; values beyond f16's range become its
    // greatest, NaN 0.
    void (*store)(const float* key, const float* value, std::uint32_t head_dim,
                  const HeadPage& page, std::uint32_t token);

    // The block's queries over one span, keys [begin, begin + 32 * pages) of the sequence; keys
    // that a row does not see count nothing. `pages`: of this span. Fills all of `partial`: a query
    // that sees nothing has maximum -infinity and sum 0.
    void (*attend)(const AttentionBlock& block, const HeadPage* pages, std::uint32_t page_count,
                   std::uint32_t begin, const PartialAttention& partial);

    // total = total and partial together. Merged in ascending order of spans, starting from the
    // first span's partial.
    void (*merge)(const PartialAttention& total, const PartialAttention& partial,
                  std::uint32_t queries, std::uint32_t head_dim);

    // outputs / sums.
    void (*finish)(const PartialAttention& total, std::uint32_t queries, std::uint32_t head_dim);
};

// Requires: the CPU can run `isa`.
const AttentionKernels& attention_kernels(Isa isa);

}  // namespace cpu

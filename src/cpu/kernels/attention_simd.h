// Attention for the instruction set that the including file is built for.
//
// Queries are taken in tiles of a few, so that a page's keys and values are converted once for all
// of a tile. Each query's numbers are computed by the same operations in the same order whatever
// else is in the tile: keys that it does not see get the weight 0, which adds exactly nothing.
#pragma once

#include "cpu/kernels/attention.h"
#include "cpu/kernels/simd.h"
#include "worker/base/assert.h"

#include <cstddef>
#include <cstdint>

namespace cpu {
namespace {

constexpr std::uint32_t head_dim_max = 256;
constexpr float nothing_seen = -__builtin_inff();

inline std::uint32_t smaller(std::uint32_t a, std::uint32_t b) {
    return a < b ? a : b;
}
inline std::uint32_t larger(std::uint32_t a, std::uint32_t b) {
    return a > b ? a : b;
}

constexpr std::uint32_t line_halves = 32;  // in a cache line

// Into the second-level cache, which waits for more lines at a time than the first.
inline void prefetch(const std::uint16_t* line) {
    __builtin_prefetch(line, 0, 2);
}

// Keys of a span, half-open.
struct Keys {
    std::uint32_t begin;
    std::uint32_t end;
};

struct Tile {
    alignas(64) float queries[queries_at_once][head_dim_max];  // scaled
    alignas(64) float weights[queries_at_once][span_tokens];   // scores at first
    Keys seen[queries_at_once];
    Keys any;  // all that one of the queries sees, and perhaps some between them
};

void store_token(const float* key, const float* value, std::uint32_t head_dim, const HeadPage& page,
                 std::uint32_t token) {
    const auto finite = [](Floats vector) {
        const Floats number = (Floats)((Bits)vector & (Bits)(vector == vector));
        return minimum(broadcast(65504.0F), maximum(broadcast(-65504.0F), number));
    };
    std::uint16_t keys[width];
    for (std::uint32_t d = 0; d < head_dim; d += width) {
        store_halves(page.values + (token * head_dim + d), finite(load(value + d)));
        store_halves(keys, finite(load(key + d)));
        for (std::uint32_t i = 0; i < width; ++i)
            page.keys[(d + i) * page_tokens + token] = keys[i];
    }
}

// What a row sees of the span [begin, begin + keys).
inline Keys seen_by(const AttentionBlock& block, std::uint32_t row, std::uint32_t begin,
                    std::uint32_t keys) {
    const std::uint32_t end = block.position + row + 1;
    const std::uint32_t first = block.window != 0 && end > block.window ? end - block.window : 0;
    const std::uint32_t seen_end = smaller(larger(end, begin) - begin, keys);
    return {.begin = smaller(larger(first, begin) - begin, seen_end), .end = seen_end};
}

// Queries [first, first + count) of the block.
inline void begin_tile(const AttentionBlock& block, std::uint32_t first, std::uint32_t count,
                       Keys span, Tile& tile) {
    tile.any = {.begin = span_tokens, .end = 0};
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t row = (first + i) / block.heads;
        const std::uint32_t head = (first + i) % block.heads;
        const float* const query =
            block.queries + row * block.row_stride + std::size_t{head} * block.head_dim;
        for (std::uint32_t d = 0; d < block.head_dim; d += width)
            store(tile.queries[i] + d, load(query + d) * broadcast(block.scale));
        tile.seen[i] = seen_by(block, row, span.begin, span.end - span.begin);
        if (tile.seen[i].begin == tile.seen[i].end) continue;
        tile.any.begin = smaller(tile.any.begin, tile.seen[i].begin);
        tile.any.end = larger(tile.any.end, tile.seen[i].end);
    }
}

// Scores of the keys [page_index * 32, + 32) of the span. Meanwhile the next page's keys are
// fetched and the first line of each value here; `add_values` fetches the next line while it reads
// one.
template <std::uint32_t count>
inline void score_page(const HeadPage* pages, std::uint32_t page_index, std::uint32_t page_end,
                       std::uint32_t head_dim, Tile& tile) {
    const std::uint16_t* const keys = pages[page_index].keys;
    const std::uint16_t* const values = pages[page_index].values;
    const std::uint16_t* const next_keys = pages[smaller(page_index + 1, page_end - 1)].keys;
    for (std::uint32_t token = 0; token < page_tokens; token += 2 * width) {
        Floats sums[count][2] = {};
        for (std::uint32_t d = 0; d < head_dim; ++d) {
            const std::uint32_t line = d * page_tokens + token;
            prefetch(next_keys + line);
            prefetch(values + std::size_t{d % page_tokens} * head_dim);
            const Floats first = load_halves(keys + line);
            const Floats second = load_halves(keys + line + width);
#pragma GCC unroll 16
            for (std::uint32_t i = 0; i < count; ++i) {
                const Floats query = broadcast(tile.queries[i][d]);
                sums[i][0] = multiply_add(query, first, sums[i][0]);
                sums[i][1] = multiply_add(query, second, sums[i][1]);
            }
        }
#pragma GCC unroll 16
        for (std::uint32_t i = 0; i < count; ++i) {
            float* const scores = tile.weights[i] + (page_index * page_tokens + token);
            store(scores, sums[i][0]);
            store(scores + width, sums[i][1]);
        }
    }
}

// Turns a query's scores of the keys `any`, in whole pages, into weights.
inline void weigh(float* scores, Keys seen, Keys any, float& maximum_seen, float& weights_sum) {
    for (std::uint32_t key = any.begin; key < seen.begin; ++key) scores[key] = nothing_seen;
    for (std::uint32_t key = seen.end; key < any.end; ++key) scores[key] = nothing_seen;
    Floats most = broadcast(nothing_seen);
    for (std::uint32_t key = any.begin; key < any.end; key += width)
        most = maximum(most, load(scores + key));
    maximum_seen = greatest(most);
    const Floats base = broadcast(maximum_seen == nothing_seen ? 0.0F : maximum_seen);
    Floats sums = {};
    for (std::uint32_t key = any.begin; key < any.end; key += width) {
        const Floats weights = exponential(load(scores + key) - base);
        store(scores + key, weights);
        sums += weights;
    }
    weights_sum = sum(sums);
}

// Elements [d, d + vectors * width) of the outputs.
template <std::uint32_t count, std::uint32_t vectors>
inline void add_values(const Tile& tile, const HeadPage* pages, std::uint32_t head_dim,
                       std::uint32_t d, float* outputs) {
    Floats sums[count][vectors] = {};
    for (std::uint32_t key = tile.any.begin; key < tile.any.end;) {
        const std::uint32_t page_end = smaller((key / page_tokens + 1) * page_tokens, tile.any.end);
        const std::uint16_t* values =
            pages[key / page_tokens].values + (key % page_tokens * head_dim + d);
        for (; key < page_end; ++key, values += head_dim) {
            prefetch(values + line_halves);
            Floats value[vectors];
#pragma GCC unroll 4
            for (std::uint32_t v = 0; v < vectors; ++v)
                value[v] = load_halves(values + std::size_t{v} * width);
#pragma GCC unroll 16
            for (std::uint32_t i = 0; i < count; ++i) {
                const Floats weight = broadcast(tile.weights[i][key]);
#pragma GCC unroll 4
                for (std::uint32_t v = 0; v < vectors; ++v)
                    sums[i][v] = multiply_add(weight, value[v], sums[i][v]);
            }
        }
    }
#pragma GCC unroll 16
    for (std::uint32_t i = 0; i < count; ++i) {
#pragma GCC unroll 4
        for (std::uint32_t v = 0; v < vectors; ++v)
            store(outputs + (i * head_dim + d + v * width), sums[i][v]);
    }
}

template <std::uint32_t count>
void attend_tile(Tile& tile, const HeadPage* pages, std::uint32_t head_dim,
                 const PartialAttention& partial) {
    const std::uint32_t page_begin = tile.any.begin / page_tokens;
    const std::uint32_t page_end = (tile.any.end + page_tokens - 1) / page_tokens;
    for (std::uint32_t page = page_begin; page < page_end; ++page)
        score_page<count>(pages, page, page_end, head_dim, tile);
    const Keys whole{.begin = page_begin * page_tokens, .end = page_end * page_tokens};
    for (std::uint32_t i = 0; i < count; ++i)
        weigh(tile.weights[i], tile.seen[i], whole, partial.maxima[i], partial.sums[i]);
    std::uint32_t d = 0;
    for (; d + 2 * width <= head_dim; d += 2 * width)
        add_values<count, 2>(tile, pages, head_dim, d, partial.outputs);
    if (d < head_dim) add_values<count, 1>(tile, pages, head_dim, d, partial.outputs);
}

template <std::uint32_t count>
void attend_some(std::uint32_t queries, Tile& tile, const HeadPage* pages, std::uint32_t head_dim,
                 const PartialAttention& partial) {
    if (queries == count) return attend_tile<count>(tile, pages, head_dim, partial);
    if constexpr (count > 1) attend_some<count - 1>(queries, tile, pages, head_dim, partial);
}

void attend(const AttentionBlock& block, const HeadPage* pages, std::uint32_t page_count,
            std::uint32_t begin, const PartialAttention& partial) {
    WORKER_ASSERT(page_count <= span_tokens / page_tokens);
    WORKER_ASSERT(block.head_dim <= head_dim_max && block.head_dim % 16 == 0);
    const std::uint32_t queries = block.rows * block.heads;
    const std::uint32_t tiles = (queries + queries_at_once - 1) / queries_at_once;
    Tile tile;
    for (std::uint32_t i = 0; i < tiles; ++i) {
        const std::uint32_t first = i * queries / tiles;
        const std::uint32_t count = (i + 1) * queries / tiles - first;
        begin_tile(block, first, count, {.begin = begin, .end = begin + page_count * page_tokens},
                   tile);
        attend_some<queries_at_once>(
            count, tile, pages, block.head_dim,
            {.maxima = partial.maxima + first,
             .sums = partial.sums + first,
             .outputs = partial.outputs + std::size_t{first} * block.head_dim});
    }
}

// e^(x - most) for one number.
inline float weight_beside(float x, float most) {
    float weights[width];
    store(weights, exponential(broadcast(x - most)));
    return weights[0];
}

void merge(const PartialAttention& total, const PartialAttention& partial, std::uint32_t queries,
           std::uint32_t head_dim) {
    for (std::uint32_t i = 0; i < queries; ++i) {
        if (partial.maxima[i] == nothing_seen) continue;
        const float most =
            total.maxima[i] > partial.maxima[i] ? total.maxima[i] : partial.maxima[i];
        const float old_weight = weight_beside(total.maxima[i], most);
        const float new_weight = weight_beside(partial.maxima[i], most);
        total.maxima[i] = most;
        total.sums[i] = total.sums[i] * old_weight + partial.sums[i] * new_weight;
        float* const out = total.outputs + std::size_t{i} * head_dim;
        const float* const added = partial.outputs + std::size_t{i} * head_dim;
        for (std::uint32_t d = 0; d < head_dim; d += width)
            store(out + d,
                  load(out + d) * broadcast(old_weight) + load(added + d) * broadcast(new_weight));
    }
}

void finish(const PartialAttention& total, std::uint32_t queries, std::uint32_t head_dim) {
    for (std::uint32_t i = 0; i < queries; ++i) {
        float* const out = total.outputs + std::size_t{i} * head_dim;
        const Floats factor = broadcast(1.0F / total.sums[i]);
        for (std::uint32_t d = 0; d < head_dim; d += width) store(out + d, load(out + d) * factor);
    }
}

constexpr AttentionKernels kernels{
    .store = store_token, .attend = attend, .merge = merge, .finish = finish};

}  // namespace
}  // namespace cpu

#include "cpu/kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace cpu {
namespace {

double from_half(std::uint16_t half) {
    const int exponent = half >> 10 & 31;
    const int digits = half & 1023;
    const double size =
        exponent == 0 ? std::ldexp(digits, -24) : std::ldexp(1024 + digits, exponent - 25);
    return half & 0x8000 ? -size : size;
}

// Random keys and values of one head, in pages.
class Memory {
public:
    Memory(const AttentionKernels& kernels, std::uint32_t tokens, std::uint32_t head_dim)
        : head_dim_(head_dim), page_size_(page_tokens * head_dim) {
        std::mt19937 random(tokens * 1000 + head_dim);
        std::normal_distribution<float> normal;
        const std::uint32_t pages = (tokens + page_tokens - 1) / page_tokens;
        halves_.resize(std::size_t{2} * pages * page_size_);
        for (std::uint32_t i = 0; i < pages; ++i) {
            std::uint16_t* const page = halves_.data() + std::size_t{2} * i * page_size_;
            pages_.push_back({.keys = page, .values = page + page_size_});
        }
        std::vector<float> key(head_dim);
        std::vector<float> value(head_dim);
        for (std::uint32_t token = 0; token < tokens; ++token) {
            for (float& x : key) x = normal(random);
            for (float& x : value) x = normal(random);
            kernels.store(key.data(), value.data(), head_dim, pages_[token / page_tokens],
                          token % page_tokens);
        }
    }

    const std::vector<HeadPage>& pages() const { return pages_; }
    double key(std::uint32_t token, std::uint32_t d) const {
        return from_half(pages_[token / page_tokens].keys[d * page_tokens + token % page_tokens]);
    }
    double value(std::uint32_t token, std::uint32_t d) const {
        return from_half(pages_[token / page_tokens].values[token % page_tokens * head_dim_ + d]);
    }

private:
    std::uint32_t head_dim_;
    std::uint32_t page_size_;
    std::vector<std::uint16_t> halves_;
    std::vector<HeadPage> pages_;
};

struct Partial {
    Partial(std::uint32_t queries, std::uint32_t head_dim)
        : maxima(queries), sums(queries), outputs(std::size_t{queries} * head_dim) {}

    PartialAttention view() {
        return {.maxima = maxima.data(), .sums = sums.data(), .outputs = outputs.data()};
    }

    std::vector<float> maxima;
    std::vector<float> sums;
    std::vector<float> outputs;
};

std::vector<float> attention(const AttentionKernels& kernels, const AttentionBlock& block,
                             const Memory& memory) {
    const std::uint32_t queries = block.rows * block.heads;
    Partial total(queries, block.head_dim);
    const std::uint32_t keys = block.position + block.rows;
    const std::vector<HeadPage>& pages = memory.pages();
    for (std::uint32_t begin = 0; begin < keys; begin += span_tokens) {
        const std::uint32_t first = begin / page_tokens;
        const auto count = std::min<std::uint32_t>(
            span_tokens / page_tokens, static_cast<std::uint32_t>(pages.size()) - first);
        Partial partial(queries, block.head_dim);
        Partial& into = begin == 0 ? total : partial;
        kernels.attend(block, &pages[first], count, begin, into.view());
        if (begin != 0) kernels.merge(total.view(), partial.view(), queries, block.head_dim);
    }
    kernels.finish(total.view(), queries, block.head_dim);
    return total.outputs;
}

std::vector<double> attention_in_double(const AttentionBlock& block, std::uint32_t row,
                                        std::uint32_t head, const Memory& memory) {
    const float* const query =
        block.queries + row * block.row_stride + std::size_t{head} * block.head_dim;
    const std::uint32_t end = block.position + row + 1;
    const std::uint32_t begin = block.window != 0 && end > block.window ? end - block.window : 0;
    std::vector<double> scores(end);
    for (std::uint32_t key = begin; key < end; ++key) {
        for (std::uint32_t d = 0; d < block.head_dim; ++d)
            scores[key] += static_cast<double>(query[d]) * memory.key(key, d);
        scores[key] *= static_cast<double>(block.scale);
    }
    const double most = *std::max_element(scores.begin() + begin, scores.end());
    double sum = 0;
    std::vector<double> outputs(block.head_dim);
    for (std::uint32_t key = begin; key < end; ++key) {
        const double weight = std::exp(scores[key] - most);
        sum += weight;
        for (std::uint32_t d = 0; d < block.head_dim; ++d)
            outputs[d] += weight * memory.value(key, d);
    }
    for (double& output : outputs) output /= sum;
    return outputs;
}

struct Case {
    std::uint32_t head_dim = 64;
    std::uint32_t heads = 3;
    std::uint32_t rows = 1;
    std::uint32_t position = 0;
    std::uint32_t window = 0;
};

const std::vector<Case> cases{
    {},
    {.position = 31},
    {.position = 32},
    {.heads = 1, .position = 300},
    {.heads = 8, .rows = 16, .position = 250},
    {.heads = 7, .rows = 16, .position = 31},
    {.rows = 13, .position = 0},
    {.rows = 16, .position = 1000},
    {.rows = 16, .position = 1000, .window = 1},
    {.rows = 16, .position = 1000, .window = 100},
    {.rows = 16, .position = 250, .window = 256},
    {.rows = 16, .position = 5, .window = 9},
    {.head_dim = 16, .heads = 5, .rows = 3, .position = 77},
    {.head_dim = 48, .heads = 2, .rows = 7, .position = 77},
    {.head_dim = 80, .heads = 1, .rows = 16, .position = 400, .window = 300},
    {.head_dim = 96, .heads = 4, .rows = 5, .position = 511},
    {.head_dim = 128, .heads = 4, .rows = 2, .position = 512},
    {.head_dim = 256, .heads = 2, .rows = 5, .position = 270},
};

std::string describe(const Case& one) {
    return "head_dim " + std::to_string(one.head_dim) + ", heads " + std::to_string(one.heads) +
           ", rows " + std::to_string(one.rows) + ", position " + std::to_string(one.position) +
           ", window " + std::to_string(one.window);
}

// More between rows than their queries, as where keys and values lie beside them.
constexpr std::uint32_t row_gap = 24;

std::vector<float> queries_for(const Case& one) {
    std::mt19937 random(one.head_dim + one.position);
    std::normal_distribution<float> normal;
    std::vector<float> queries(std::size_t{one.rows} * (one.heads * one.head_dim + row_gap));
    for (float& x : queries) x = 2 * normal(random);
    return queries;
}

AttentionBlock block_of(const Case& one, const std::vector<float>& queries) {
    return {.queries = queries.data(),
            .row_stride = one.heads * one.head_dim + row_gap,
            .rows = one.rows,
            .heads = one.heads,
            .head_dim = one.head_dim,
            .scale = 1 / std::sqrt(static_cast<float>(one.head_dim)),
            .position = one.position,
            .window = one.window};
}

class Attention : public testing::TestWithParam<Isa> {
protected:
    const AttentionKernels& kernels_ = attention_kernels(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Isa, Attention, testing::ValuesIn(available()),
                         [](const auto& of) { return std::string(name(of.param)); });

TEST_P(Attention, is_the_softmax_of_the_scores_times_the_values) {
    for (const Case& one : cases) {
        SCOPED_TRACE(describe(one));
        const Memory memory(kernels_, one.position + one.rows, one.head_dim);
        const std::vector<float> queries = queries_for(one);
        const AttentionBlock block = block_of(one, queries);
        const std::vector<float> outputs = attention(kernels_, block, memory);
        for (std::uint32_t row = 0; row < one.rows; ++row) {
            for (std::uint32_t head = 0; head < one.heads; ++head) {
                const auto wanted = attention_in_double(block, row, head, memory);
                const float* const got =
                    outputs.data() + std::size_t{row * one.heads + head} * one.head_dim;
                for (std::uint32_t d = 0; d < one.head_dim; ++d)
                    ASSERT_NEAR(got[d], wanted[d], 4e-6) << row << ' ' << head << ' ' << d;
            }
        }
    }
}

TEST_P(Attention, a_query_gets_the_same_bits_whatever_is_computed_beside_it) {
    for (const Case& one : cases) {
        SCOPED_TRACE(describe(one));
        const Memory memory(kernels_, one.position + one.rows, one.head_dim);
        const std::vector<float> queries = queries_for(one);
        const AttentionBlock block = block_of(one, queries);
        const std::vector<float> all = attention(kernels_, block, memory);
        // Cut into rows from `first` on and heads from `head` on.
        for (std::uint32_t first = 0; first < one.rows; ++first) {
            for (std::uint32_t head = 0; head < one.heads; ++head) {
                AttentionBlock part = block;
                part.queries += first * block.row_stride + std::size_t{head} * block.head_dim;
                part.rows = 1 + (first + head) % (one.rows - first);
                part.heads = 1 + first % (one.heads - head);
                part.position += first;
                const std::vector<float> cut = attention(kernels_, part, memory);
                for (std::uint32_t i = 0; i < part.rows * part.heads; ++i) {
                    const std::uint32_t row = first + i / part.heads;
                    const std::uint32_t query = row * one.heads + head + i % part.heads;
                    for (std::uint32_t d = 0; d < one.head_dim; ++d)
                        ASSERT_EQ(cut[i * one.head_dim + d], all[query * one.head_dim + d])
                            << row << ' ' << query << ' ' << d;
                }
            }
        }
    }
}

TEST_P(Attention, what_a_row_does_not_see_counts_nothing) {
    const Case one{.position = 300, .window = 200};
    Memory memory(kernels_, 400, one.head_dim);
    const std::vector<float> queries = queries_for(one);
    const AttentionBlock block = block_of(one, queries);
    const std::vector<float> before = attention(kernels_, block, memory);
    const std::vector<float> great(one.head_dim, 65504.0F);
    for (std::uint32_t token = 0; token < 400; ++token) {
        if (token > 100 && token <= 300) continue;
        kernels_.store(great.data(), great.data(), one.head_dim,
                       memory.pages()[token / page_tokens], token % page_tokens);
    }
    EXPECT_EQ(attention(kernels_, block, memory), before);
}

TEST_P(Attention, a_query_that_sees_nothing_of_a_span_says_so) {
    const Case one{.rows = 2, .position = 300, .window = 45};
    const Memory memory(kernels_, 302, one.head_dim);
    const std::vector<float> queries = queries_for(one);
    Partial partial(6, one.head_dim);
    std::fill(partial.outputs.begin(), partial.outputs.end(), 1.0F);
    kernels_.attend(block_of(one, queries), memory.pages().data(), 8, 0, partial.view());
    // The first row begins to see at key 256, one behind the span.
    for (std::uint32_t query = 0; query < 6; ++query) {
        EXPECT_EQ(partial.maxima[query], -std::numeric_limits<float>::infinity());
        EXPECT_EQ(partial.sums[query], 0);
    }
    EXPECT_EQ(partial.outputs, std::vector<float>(std::size_t{6} * one.head_dim));
}

TEST_P(Attention, weights_are_exponentials) {
    for (int i = 0; i <= 70'000; ++i) {
        const float x = static_cast<float>(-i) / 1000;
        Partial total(1, 16);
        Partial partial(1, 16);
        partial.maxima[0] = x;
        partial.sums[0] = 1;
        kernels_.merge(total.view(), partial.view(), 1, 16);
        const double wanted = x < -64 ? 0 : std::exp(static_cast<double>(x));
        ASSERT_NEAR(total.sums[0], wanted, 2e-7 * wanted) << x;
    }
}

std::uint16_t stored(const AttentionKernels& kernels, float x) {
    std::vector<std::uint16_t> halves(std::size_t{2} * page_tokens * 16);
    const std::vector<float> vector(16, x);
    const HeadPage page{.keys = halves.data(), .values = &halves[std::size_t{page_tokens} * 16]};
    kernels.store(vector.data(), vector.data(), 16, page, 3);
    EXPECT_EQ(page.keys[15 * page_tokens + 3], page.values[3 * 16 + 15]);
    return page.keys[3];
}

TEST_P(Attention, stored_numbers_are_the_nearest_halves) {
    for (std::uint16_t half = 0; half < 0x7BFF; ++half) {
        const double here = from_half(half);
        const double next = from_half(half + 1);
        const auto even = static_cast<std::uint16_t>(half + half % 2);
        const auto middle = static_cast<float>((here + next) / 2);
        ASSERT_EQ(stored(kernels_, static_cast<float>(here)), half);
        ASSERT_EQ(stored(kernels_, middle), even);
        ASSERT_EQ(stored(kernels_, std::nextafter(middle, 0.0F)), half);
        ASSERT_EQ(stored(kernels_, -std::nextafter(middle, 1e6F)), (half + 1) | 0x8000);
    }
}

TEST_P(Attention, numbers_that_no_half_holds_are_stored_as_finite_ones) {
    EXPECT_EQ(stored(kernels_, 65520.0F), 0x7BFF);
    EXPECT_EQ(stored(kernels_, 1e30F), 0x7BFF);
    EXPECT_EQ(stored(kernels_, -std::numeric_limits<float>::infinity()), 0xFBFF);
    EXPECT_EQ(stored(kernels_, std::numeric_limits<float>::quiet_NaN()), 0);
    EXPECT_EQ(stored(kernels_, 1e-30F), 0);
}

}  // namespace
}  // namespace cpu

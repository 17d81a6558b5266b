#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace llm {

// Passes over rows of logits go by blocks of a fixed size, which the compiler turns into vector
// instructions; one that is not promising is skipped as a whole. The last block is filled up with
// -infinity. In all of them -infinity and NaN weigh nothing and are never the largest.
class LogitBlocks {
public:
    static constexpr std::size_t size = 32;
    using Block = std::span<const float, size>;

    explicit LogitBlocks(std::span<const float> logits);

    std::size_t count() const { return whole_ + (padded_ ? 1 : 0); }
    Block operator[](std::size_t block) const {
        return block < whole_ ? Block(logits_.data() + block * size, size) : Block(rest_);
    }

private:
    const std::span<const float> logits_;
    const std::size_t whole_;
    const bool padded_;
    std::array<float, size> rest_;
};

// The largest logit, +infinity included; -infinity when there is none.
float largest_of(LogitBlocks::Block block);

// What turns logits into weights: e to the power of (logit - largest) / temperature.
// Requires: `largest` is finite and no logit but +infinity is above it; `temperature` > 0.
struct Weighing {
    float largest;
    float temperature = 1;

    float weight(float logit) const;
    // The weights of a block, one by one; they sum to what is returned.
    float weights(LogitBlocks::Block block, std::span<float, LogitBlocks::size> out) const;
    float total(LogitBlocks::Block block) const;
};

// The sum of the weights of all logits at temperature 1, and what they are relative to: the first
// largest, which is the size of the row when no logit is usable.
struct Softmax {
    std::size_t likeliest;
    float largest;  // finite
    double total;   // at least 1
};
Softmax softmax(std::span<const float> logits);

// The index of the first largest; the size of the row when no logit is usable.
std::size_t likeliest_of(std::span<const float> logits);

}  // namespace llm

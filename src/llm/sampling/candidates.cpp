#include "llm/sampling/candidates.h"

#include "llm/sampling/softmax.h"

#include <algorithm>
#include <limits>

namespace llm {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

Token token_at(std::size_t block, std::size_t within) {
    return static_cast<Token>(block * LogitBlocks::size + within);
}

}  // namespace

bool comes_before(const Candidate& a, const Candidate& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

void keep_from(double floor, std::span<const float> logits, std::vector<Candidate>& out) {
    const LogitBlocks blocks(logits);
    for (std::size_t i = 0; i < blocks.count(); ++i) {
        const LogitBlocks::Block block = blocks[i];
        const float here = largest_of(block);
        if (here == -infinity || here < floor) continue;
        for (std::size_t k = 0; k < block.size(); ++k) {
            if (block[k] > -infinity && block[k] >= floor)
                out.push_back({block[k], token_at(i, k)});
        }
    }
}

// Whenever twice as many have gathered, the better half stays and its last one becomes the
// threshold for what follows.
void keep_first(std::size_t count, std::span<const float> logits, std::vector<Candidate>& out) {
    out.clear();
    const auto drop_rest = [&] {
        if (out.size() <= count) return;
        std::nth_element(out.begin(), out.begin() + (count - 1), out.end(), comes_before);
        out.resize(count);
    };
    const LogitBlocks blocks(logits);
    float threshold = -infinity;
    for (std::size_t i = 0; i < blocks.count(); ++i) {
        const LogitBlocks::Block block = blocks[i];
        // An equal one that comes later is never better.
        if (!(largest_of(block) > threshold)) continue;
        for (std::size_t k = 0; k < block.size(); ++k) {
            if (!(block[k] > threshold)) continue;
            out.push_back({block[k], token_at(i, k)});
            if (out.size() < 2 * count) continue;
            drop_rest();
            threshold = out.back().logit;
        }
    }
    drop_rest();
    std::sort(out.begin(), out.end(), comes_before);
}

}  // namespace llm

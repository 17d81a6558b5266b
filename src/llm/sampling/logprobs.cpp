#include "llm/sampling/logprobs.h"

#include "llm/sampling/candidates.h"
#include "llm/sampling/softmax.h"
#include "worker/base/assert.h"

#include <cmath>
#include <limits>

namespace llm {

Logprobs logprobs(std::span<const float> logits, Token chosen, std::uint32_t top_n) {
    const auto index = static_cast<std::size_t>(chosen);
    WORKER_ASSERT(index < logits.size());
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const Softmax sum = softmax(logits);
    const auto logprob = [&](float logit) {
        if (!(logit > -infinity)) return -infinity;
        const double above = double{std::min(logit, sum.largest)} - sum.largest;
        return static_cast<float>(above - std::log(sum.total));
    };

    Logprobs result{.chosen = {chosen, logprob(logits[index])}, .top = {}};
    if (top_n == 0) return result;
    std::vector<Candidate> top;
    keep_first(top_n, logits, top);
    for (const Candidate& each : top) result.top.push_back({each.token, logprob(each.logit)});
    return result;
}

}  // namespace llm

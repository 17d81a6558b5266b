#include "llm/batching/plan_step.h"

#include "worker/base/assert.h"

#include <algorithm>

namespace llm {

std::vector<Grant> plan_step(std::span<const SlotView> slots, const StepBudget& budget) {
    std::vector<Grant> plan;
    for (std::size_t i = 0; i < slots.size(); ++i)
        if (slots[i].prompt_left == 0) plan.push_back({i, 1});
    WORKER_ASSERT(plan.size() <= budget.rows_max);

    const auto decoding = static_cast<std::uint32_t>(plan.size());
    std::uint32_t rows = budget.rows_max - decoding;
    if (decoding > 0) rows = std::min(rows, budget.prompt_rows_max);
    for (std::size_t i = 0; i < slots.size() && rows > 0; ++i) {
        if (slots[i].prompt_left == 0) continue;
        const std::uint32_t tokens = std::min(slots[i].prompt_left, rows);
        plan.push_back({i, tokens});
        rows -= tokens;
    }
    return plan;
}

}  // namespace llm

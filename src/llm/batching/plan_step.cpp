#include "llm/batching/plan_step.h"

#include <algorithm>

namespace llm {

std::vector<Grant> plan_step(std::span<const SlotView> slots, const StepBudget& budget) {
    std::vector<Grant> plan;
    for (std::size_t i = 0; i < slots.size() && plan.size() < budget.rows_max; ++i)
        if (slots[i].left == 1) plan.push_back({i, 1});

    std::uint32_t rows =
        std::min(budget.rows_max - static_cast<std::uint32_t>(plan.size()), budget.prompt_rows_max);
    for (std::size_t i = 0; i < slots.size() && rows > 0; ++i) {
        if (slots[i].left <= 1) continue;
        const std::uint32_t tokens = std::min(slots[i].left, rows);
        plan.push_back({i, tokens});
        rows -= tokens;
    }
    return plan;
}

}  // namespace llm

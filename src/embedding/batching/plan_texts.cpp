#include "embedding/batching/plan_texts.h"

#include <optional>

namespace embedding {

TextsPlan plan_texts(std::span<const TextLengths> jobs, std::size_t turn,
                     const StepBudget& budget) {
    TextsPlan plan;
    std::vector<std::size_t> taken(jobs.size());
    std::optional<std::size_t> left_out;
    std::uint32_t rows = 0;
    for (bool found = true; found;) {
        found = false;
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            const std::size_t job = (turn + i) % jobs.size();
            if (taken[job] == jobs[job].size()) continue;
            const std::uint32_t tokens = jobs[job][taken[job]];
            const bool fits = plan.jobs.empty() || (rows + tokens <= budget.rows_max &&
                                                    plan.jobs.size() < budget.texts_max);
            if (!fits && !left_out) left_out = job;
            if (!fits) continue;
            plan.jobs.push_back(job);
            ++taken[job];
            rows += tokens;
            found = true;
        }
    }
    plan.next_turn = left_out.value_or(turn);
    return plan;
}

}  // namespace embedding

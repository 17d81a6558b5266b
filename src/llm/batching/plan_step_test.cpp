#include "llm/batching/plan_step.h"

#include <gtest/gtest.h>

#include <string>

namespace llm {
namespace {

// Slots as "d" (decoding) or the number of prompt tokens left; the plan as "slot:tokens ...".
void check(const std::vector<std::uint32_t>& prompt_left, StepBudget budget,
           const std::string& expected) {
    std::vector<SlotView> views;
    for (const std::uint32_t left : prompt_left) views.push_back({left});
    std::string plan;
    for (const Grant& grant : plan_step(views, budget))
        plan += (plan.empty() ? "" : " ") + std::to_string(grant.slot) + ":" +
                std::to_string(grant.tokens);
    EXPECT_EQ(plan, expected);
}

TEST(PlanStep, no_slots_no_plan) {
    check({}, {8, 4}, "");
}
TEST(PlanStep, a_prompt_alone_takes_the_whole_step) {
    check({20}, {8, 4}, "0:8");
}
TEST(PlanStep, a_short_prompt_takes_what_it_needs) {
    check({3}, {8, 4}, "0:3");
}
TEST(PlanStep, decoding_slots_come_first_with_one_token_each) {
    check({5, 0, 0}, {8, 4}, "1:1 2:1 0:4");
}
TEST(PlanStep, a_prompt_beside_running_streams_is_capped) {
    check({100, 0}, {8, 4}, "1:1 0:4");
    check({100, 0}, {4, 100}, "1:1 0:3");
}
TEST(PlanStep, prompts_share_what_is_left_in_order) {
    check({3, 9, 9}, {8, 4}, "0:3 1:5");
    check({3, 9, 0}, {9, 6}, "2:1 0:3 1:3");
}
TEST(PlanStep, a_full_step_of_decoding_leaves_nothing_for_prompts) {
    check({9, 0, 0}, {2, 4}, "1:1 2:1");
}

}  // namespace
}  // namespace llm

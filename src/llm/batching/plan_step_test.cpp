#include "llm/batching/plan_step.h"

#include <gtest/gtest.h>

#include <string>

namespace llm {
namespace {

// Slots as the tokens they have left; the plan as "slot:tokens ...".
void check(const std::vector<std::uint32_t>& tokens_left, StepBudget budget,
           const std::string& expected) {
    std::vector<SlotView> views;
    for (const std::uint32_t left : tokens_left) views.push_back({left});
    std::string plan;
    for (const Grant& grant : plan_step(views, budget))
        plan += (plan.empty() ? "" : " ") + std::to_string(grant.slot) + ":" +
                std::to_string(grant.tokens);
    EXPECT_EQ(plan, expected);
}

TEST(PlanStep, no_slots_no_plan) {
    check({}, {8, 4}, "");
}
TEST(PlanStep, a_prompt_takes_what_prompts_may) {
    check({20}, {8, 4}, "0:4");
    check({20}, {8, 100}, "0:8");
}
TEST(PlanStep, a_short_prompt_takes_what_it_needs) {
    check({3}, {8, 4}, "0:3");
}
TEST(PlanStep, decoding_slots_come_first_with_one_token_each) {
    check({5, 1, 1}, {8, 4}, "1:1 2:1 0:4");
}
TEST(PlanStep, a_prompt_beside_running_streams_is_capped) {
    check({100, 1}, {8, 4}, "1:1 0:4");
    check({100, 1}, {4, 100}, "1:1 0:3");
}
TEST(PlanStep, prompts_share_what_remains_in_order) {
    check({3, 9, 9}, {8, 8}, "0:3 1:5");
    check({3, 9, 1}, {9, 6}, "2:1 0:3 1:3");
}
TEST(PlanStep, a_full_step_of_decoding_leaves_nothing_for_prompts) {
    check({9, 1, 1}, {2, 4}, "1:1 2:1");
}
TEST(PlanStep, slots_without_a_row_are_left_out) {
    check({1, 1, 1}, {2, 4}, "0:1 1:1");
    check({5, 1}, {0, 0}, "");
}
TEST(PlanStep, a_slot_that_waits_gets_nothing) {
    check({0, 4, 0}, {8, 4}, "1:4");
}

}  // namespace
}  // namespace llm

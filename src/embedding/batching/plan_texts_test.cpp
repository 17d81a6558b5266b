#include "embedding/batching/plan_texts.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace embedding {
namespace {

using Lengths = std::vector<std::uint32_t>;

TextsPlan plan(const std::vector<Lengths>& jobs, std::size_t turn = 0,
               const StepBudget& budget = {.rows_max = 100, .texts_max = 10}) {
    const std::vector<TextLengths> views(jobs.begin(), jobs.end());
    return plan_texts(views, turn, budget);
}

using Jobs = std::vector<std::size_t>;

TEST(PlanTextsTest, one_job_gets_all_that_there_is) {
    EXPECT_EQ(plan({{30, 30, 30}}).jobs, (Jobs{0, 0, 0}));
    EXPECT_EQ(plan({{30, 30, 30, 30}}).jobs, (Jobs{0, 0, 0}));
    EXPECT_EQ(plan({Lengths(12, 1)}).jobs, Jobs(10, 0));
    EXPECT_EQ(plan({}).jobs, Jobs{});
}

TEST(PlanTextsTest, a_single_text_may_be_longer_than_a_step) {
    EXPECT_EQ(plan({{150, 10}}).jobs, Jobs{0});
    EXPECT_EQ(plan({{10, 150}}).jobs, Jobs{0});
}

TEST(PlanTextsTest, jobs_take_turns) {
    EXPECT_EQ(plan({Lengths(50, 10), {10}, {10, 10}}).jobs, (Jobs{0, 1, 2, 0, 2, 0, 0, 0, 0, 0}));
    EXPECT_EQ(plan({Lengths(50, 10), {10}, {10, 10}}, 2).jobs,
              (Jobs{2, 0, 1, 2, 0, 0, 0, 0, 0, 0}));
}

TEST(PlanTextsTest, who_found_no_room_begins_the_next_step) {
    // The long text does not fit beside the first; short ones fill the step meanwhile.
    const TextsPlan first = plan({{30, 30, 30}, {90}, {20, 20}});
    EXPECT_EQ(first.jobs, (Jobs{0, 2, 0, 2}));
    EXPECT_EQ(first.next_turn, 1u);
    EXPECT_EQ(plan({{30}, {90}, {20}}, 1).jobs, (Jobs{1}));
    EXPECT_EQ(plan({{30}, {90}, {20}}, 1).next_turn, 2u);
}

TEST(PlanTextsTest, everybody_has_room_and_the_turn_stays) {
    EXPECT_EQ(plan({{30}, {30}}, 1).next_turn, 1u);
}

RC_GTEST_PROP(PlanTextsTest, no_budget_is_exceeded_and_no_job_starves, ()) {
    const StepBudget budget{.rows_max = *rc::gen::inRange(1u, 60u),
                            .texts_max = *rc::gen::inRange(1u, 6u)};
    auto jobs = *rc::gen::container<std::vector<Lengths>>(
        rc::gen::nonEmpty(rc::gen::container<Lengths>(rc::gen::inRange(1u, 80u))));
    std::size_t turn = 0;
    std::size_t texts = 0;
    for (const Lengths& job : jobs) texts += job.size();
    for (std::size_t steps = 0; !jobs.empty(); ++steps) {
        RC_ASSERT(steps < texts);  // Each step takes one of them at least.
        const TextsPlan step = plan(jobs, turn, budget);
        RC_ASSERT(step.jobs.size() >= 1u && step.jobs.size() <= budget.texts_max);
        RC_ASSERT(step.jobs.front() == turn);
        std::vector<std::size_t> taken(jobs.size());
        std::uint32_t rows = 0;
        for (const std::size_t job : step.jobs) rows += jobs[job][taken[job]++];
        RC_ASSERT(rows <= budget.rows_max || step.jobs.size() == 1u);
        turn = step.next_turn;
        for (std::size_t i = jobs.size(); i-- > 0;) {
            jobs[i].erase(jobs[i].begin(), jobs[i].begin() + static_cast<std::ptrdiff_t>(taken[i]));
            if (!jobs[i].empty()) continue;
            jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(i));
            if (turn > i) --turn;
        }
        if (turn >= jobs.size()) turn = 0;
    }
}

}  // namespace
}  // namespace embedding

#include "llm/batching/step_pace.h"

#include <gtest/gtest.h>

namespace llm {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t rows_max = 512;

class StepPaceTest : public testing::Test {
protected:
    // Beside so many streams, with one prompt.
    std::uint32_t prompt_rows(std::uint32_t decoding) const {
        return pace.prompt_rows_max(decoding, 1);
    }

    StepPace pace{50ms};
};

TEST_F(StepPaceTest, a_first_prompt_alone_takes_all_that_the_model_computes_at_once) {
    EXPECT_GT(prompt_rows(0), 100'000u);
}

TEST_F(StepPaceTest, beside_streams_little_is_taken_before_anything_was_measured) {
    EXPECT_EQ(prompt_rows(4), 32u);
}

TEST_F(StepPaceTest, a_prompt_alone_ends_its_steps_soon) {
    pace.add(0, 500, 1s);
    EXPECT_EQ(prompt_rows(0), 125u);
}

TEST_F(StepPaceTest, fast_steps_may_last_as_long_as_the_gap) {
    pace.add(1, 0, 10ms);
    pace.add(0, 1000, 1s);
    EXPECT_NEAR(prompt_rows(1), 17, 1);  // in 0.55 of 50 ms, less 10 ms
}

TEST_F(StepPaceTest, slow_steps_may_last_twice_as_long) {
    pace.add(8, 0, 80ms);
    pace.add(0, 1000, 1s);
    EXPECT_NEAR(pace.prompt_rows_max(8, 0), 40, 1);  // in 1.5 times 80 ms, less 80 ms
    EXPECT_NEAR(prompt_rows(8), 41, 1);              // that will be 81 ms
}

TEST_F(StepPaceTest, of_many_prompts_more_is_taken_for_all_of_them_will_be_streams) {
    pace.add(8, 0, 80ms);
    pace.add(0, 100, 1s);
    EXPECT_NEAR(pace.prompt_rows_max(8, 1), 5, 1);
    EXPECT_NEAR(pace.prompt_rows_max(8, 10), 19, 1);  // in 1.5 times 180 ms, less 80 ms
}

TEST_F(StepPaceTest, a_mixed_step_is_its_streams_and_its_prompt) {
    pace.add(8, 0, 80ms);
    pace.add(8, 50, 130ms);
    EXPECT_NEAR(pace.prompt_rows_per_second(), 1000, 1);
}

TEST_F(StepPaceTest, rows_that_cost_more_the_further_a_prompt_is_count_as_the_last_ones_did) {
    pace.add(1, 0, 10ms);
    for (int i = 0; i < 100; ++i) pace.add(0, 1000, 1s);
    for (int i = 0; i < 40; ++i) pace.add(1, 20, 50ms);  // 40 ms for 20 rows
    EXPECT_NEAR(prompt_rows(1), 8, 1);                   // in 17 ms
    EXPECT_GT(pace.prompt_rows_per_second(), 800);       // what forecasts of whole prompts go by
}

TEST_F(StepPaceTest, however_slow_a_prompt_goes_on) {
    pace.add(8, 0, 1s);
    pace.add(0, 10, 1000s);
    EXPECT_EQ(pace.prompt_rows_max(8, 0), 4u);
}

}  // namespace
}  // namespace llm

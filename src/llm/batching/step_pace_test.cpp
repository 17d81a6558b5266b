#include "llm/batching/step_pace.h"

#include <gtest/gtest.h>

namespace llm {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t rows_max = 512;

class StepPaceTest : public testing::Test {
protected:
    std::uint32_t prompt_rows(std::uint32_t decode_rows) const {
        return pace.budget(decode_rows, rows_max).prompt_rows_max;
    }

    StepPace pace{50ms};
};

TEST_F(StepPaceTest, a_first_prompt_alone_takes_all_that_the_model_computes_at_once) {
    EXPECT_EQ(prompt_rows(0), rows_max);
}

TEST_F(StepPaceTest, beside_streams_little_is_taken_before_anything_was_measured) {
    EXPECT_EQ(prompt_rows(4), 32u);
}

TEST_F(StepPaceTest, a_prompt_alone_ends_its_steps_soon) {
    pace.add(0, 500, 1s);
    EXPECT_EQ(prompt_rows(0), 100u);  // in 0.8 of a quarter of a second
}

TEST_F(StepPaceTest, fast_steps_may_last_as_long_as_the_gap) {
    pace.add(1, 0, 10ms);
    pace.add(0, 1000, 1s);
    EXPECT_EQ(prompt_rows(1), 32u);  // in 0.8 of 40 ms
}

TEST_F(StepPaceTest, slow_steps_may_last_twice_as_long) {
    pace.add(8, 0, 80ms);
    pace.add(0, 1000, 1s);
    EXPECT_EQ(prompt_rows(8), 64u);
    EXPECT_EQ(prompt_rows(16), 128u);
}

TEST_F(StepPaceTest, a_mixed_step_is_its_streams_and_its_prompt) {
    pace.add(8, 0, 80ms);
    pace.add(8, 50, 130ms);
    EXPECT_NEAR(pace.prompt_rows_per_second(), 1000, 1);
}

TEST_F(StepPaceTest, however_slow_a_prompt_goes_on) {
    pace.add(8, 0, 80ms);
    pace.add(0, 10, 10s);
    EXPECT_EQ(prompt_rows(8), 4u);
}

}  // namespace
}  // namespace llm

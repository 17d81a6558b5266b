#include "worker/hive/beat_schedule.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using namespace std::chrono_literals;

TEST(BeatScheduleTest, keeps_to_the_start_and_skips_what_was_missed) {
    struct Case {
        Clock::Duration since_start;
        Clock::Duration next;
    };
    const Case cases[] = {
        {0s, 30s}, {1ms, 30s}, {29'999ms, 30s}, {30s, 60s}, {34s, 60s}, {60s, 90s}, {100s, 120s},
    };
    const Clock::TimePoint start{1h};
    for (const Case& c : cases) {
        EXPECT_EQ(next_beat(start, 30s, start + c.since_start) - start, c.next)
            << c.since_start.count();
    }
}

}  // namespace
}  // namespace worker

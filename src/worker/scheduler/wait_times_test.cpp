#include "worker/scheduler/wait_times.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using namespace std::chrono_literals;

WorkerStatus with_slots(std::uint32_t slots) {
    WorkerStatus status;
    status.backend.slots_total = slots;
    return status;
}

struct Case {
    std::size_t waiting;
    std::uint32_t slots;
    std::chrono::seconds expected;
};

void check(const WaitTimes& times, std::chrono::seconds oldest_held, const Case& c) {
    EXPECT_EQ(
        times.until_start({.waiting = c.waiting, .oldest_held = oldest_held}, with_slots(c.slots)),
        c.expected)
        << c.waiting << " wait for " << c.slots;
}

TEST(WaitTimesTest, a_slot_is_free_after_as_many_turns_as_wait_and_one_more) {
    WaitTimes times;
    times.slot_freed(30s);
    for (const Case& c : {Case{0, 1, 30s}, {0, 4, 8s}, {1, 1, 60s}, {1, 4, 15s}, {64, 16, 122s}})
        check(times, 7s, c);
}

TEST(WaitTimesTest, it_is_an_hour_at_most_and_a_second_at_least) {
    WaitTimes times;
    times.slot_freed(10ms);
    check(times, 0s, {0, 16, 1s});
    times.slot_freed(1000h);
    check(times, 0s, {4000, 1, 3600s});
}

TEST(WaitTimesTest, before_any_job_has_ended_the_oldest_says_how_long_they_take) {
    const WaitTimes times;
    check(times, 0s, {4, 2, 1s});
    check(times, 20s, {0, 2, 10s});
    check(times, 20s, {4, 2, 50s});
}

TEST(WaitTimesTest, later_jobs_count_for_more_than_one) {
    WaitTimes times;
    times.slot_freed(10s);
    for (int i = 0; i < 100; ++i) times.slot_freed(50s);
    check(times, 0s, {0, 1, 50s});
}

TEST(WaitTimesTest, what_was_not_measured_takes_no_time) {
    WorkerStatus status = with_slots(2);
    WaitTimes times;
    EXPECT_EQ(times.until_first_output(100, 100'000, status), 0);
    status.backend.units_in_per_second = 1000;
    EXPECT_EQ(times.until_first_output(100, 100'000, status), 100);
    times.slot_freed(10s);
    EXPECT_EQ(times.until_first_output(100, 100'000, status), 590);
    EXPECT_EQ(times.until_first_output(2, 0, status), 0);
}

}  // namespace
}  // namespace worker

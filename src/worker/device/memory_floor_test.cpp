#include "worker/device/memory_floor.h"

#include <gtest/gtest.h>

#include <chrono>

namespace worker {
namespace {

using namespace std::chrono_literals;
using Change = MemoryFloor::Change;

struct Reading {
    Clock::Duration at;
    std::uint64_t free_bytes;
    Change change;
};

void check(std::initializer_list<Reading> readings) {
    MemoryFloor floor(100, 3s);
    bool is_short = false;
    for (const Reading& reading : readings) {
        EXPECT_EQ(floor.note(reading.free_bytes, Clock::TimePoint{} + reading.at), reading.change)
            << "at " << reading.at / 1ms << " ms";
        if (reading.change != Change::none) is_short = reading.change == Change::fell_short;
        EXPECT_EQ(floor.is_short(), is_short);
    }
}

TEST(MemoryFloorTest, what_is_at_the_floor_is_enough) {
    check({{0s, 101, Change::none}, {1s, 100, Change::none}});
}

TEST(MemoryFloorTest, memory_is_short_at_once_and_that_is_told_once) {
    check({{0s, 99, Change::fell_short}, {1s, 0, Change::none}, {2s, 50, Change::none}});
}

TEST(MemoryFloorTest, it_recovers_when_there_has_been_enough_for_a_while) {
    check({{0s, 0, Change::fell_short},
           {1s, 100, Change::none},
           {3999ms, 100, Change::none},
           {4s, 100, Change::recovered},
           {5s, 100, Change::none}});
}

TEST(MemoryFloorTest, a_reading_under_the_floor_starts_the_wait_again) {
    check({{0s, 0, Change::fell_short},
           {1s, 500, Change::none},
           {3s, 99, Change::none},
           {4s, 500, Change::none},
           {6s, 500, Change::none},
           {7s, 500, Change::recovered},
           {8s, 99, Change::fell_short}});
}

}  // namespace
}  // namespace worker

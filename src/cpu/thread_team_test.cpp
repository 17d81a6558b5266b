#include "cpu/thread_team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace cpu {
namespace {

TEST(ThreadTeam, every_chunk_is_done_once) {
    for (const std::uint32_t threads : {1u, 2u, 3u, 8u}) {
        ThreadTeam team(threads);
        for (std::uint32_t chunks : {0u, 1u, 2u, 7u, 1000u}) {
            std::vector<std::atomic<int>> times(chunks);
            team.run(chunks, [&](std::uint32_t chunk, std::uint32_t thread) noexcept {
                if (thread < threads) times[chunk].fetch_add(1);
            });
            EXPECT_TRUE(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
        }
    }
}

// Many short phases in a row: a thread that comes late must not take a chunk of a later phase with
// an earlier phase's work.
TEST(ThreadTeam, what_a_phase_wrote_is_seen_by_the_next) {
    ThreadTeam team(4);
    std::vector<std::uint32_t> numbers(6, 0);
    for (std::uint32_t phase = 1; phase <= 20000; ++phase) {
        bool wrong = false;
        team.run(6, [&](std::uint32_t chunk, std::uint32_t) noexcept {
            numbers[chunk] += numbers[chunk] == phase - 1 ? 1 : 1000000;
        });
        for (const std::uint32_t number : numbers) wrong |= number != phase;
        ASSERT_FALSE(wrong) << phase;
    }
}

TEST(ThreadTeam, threads_without_work_sleep) {
    ThreadTeam team(3);
    team.run(3, [](std::uint32_t, std::uint32_t) noexcept {});
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    timespec before{};
    timespec after{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    const auto used_ms =
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    EXPECT_LT(used_ms, 100);
}

}  // namespace
}  // namespace cpu

#include "cpu/thread_team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

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

// What lies side by side is read by one thread.
TEST(ThreadTeam, each_thread_begins_with_a_part_of_its_own) {
    constexpr std::uint32_t none = 1000;
    ThreadTeam team(2);
    std::atomic<std::uint32_t> first[2] = {none, none};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    team.run(10, [&](std::uint32_t chunk, std::uint32_t thread) noexcept {
        std::uint32_t nothing_yet = none;
        first[thread].compare_exchange_strong(nothing_yet, chunk);
        while (first[1 - thread] == none && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
    });
    EXPECT_EQ(first[0], 0U);
    EXPECT_EQ(first[1], 5U);
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

// Threads of this process that the system has put to sleep. Source: proc(5), /proc/pid/stat.
std::size_t threads_asleep() {
    std::size_t asleep = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(thread.path() / "stat");
        const std::string stat{std::istreambuf_iterator<char>(file), {}};
        // Behind the name, which may hold anything.
        const std::size_t name_end = stat.rfind(')');
        if (name_end != std::string::npos && stat.substr(name_end).starts_with(") S")) ++asleep;
    }
    return asleep;
}

// A thread that looks for work without end never sleeps: then this runs into its deadline.
TEST(ThreadTeam, threads_without_work_sleep_and_wake_for_the_next_phase) {
    const std::size_t others = threads_asleep();
    ThreadTeam team(3);
    for (std::uint32_t phase = 0; phase < 3; ++phase) {
        std::atomic<std::uint32_t> done = 0;
        team.run(3, [&](std::uint32_t, std::uint32_t) noexcept { done.fetch_add(1); });
        EXPECT_EQ(done, 3U);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (threads_asleep() < others + 2) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
            std::this_thread::yield();
        }
    }
}

}  // namespace
}  // namespace cpu

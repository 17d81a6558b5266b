#include "worker/scheduler/health.h"

#include <gtest/gtest.h>

#include <chrono>

namespace worker {
namespace {

using namespace std::chrono_literals;

constexpr Clock::TimePoint now = Clock::TimePoint{} + 1h;

struct Case {
    LifeState life = LifeState::ready;
    std::uint32_t running = 0;
    Clock::Duration since_step{};
    Clock::Duration last_step{};
    bool lacked_memory = false;
    bool memory_short = false;
};

WorkerStatus status_of(const Case& c) {
    WorkerStatus status;
    status.life = c.life;
    status.jobs_running = c.running;
    status.last_step_ended = now - c.since_step;
    status.last_step_took = c.last_step;
    status.device_memory_short = c.memory_short;
    status.last_job_lacked_memory = c.lacked_memory;
    return status;
}

void check(const Case& input, Health health, std::string_view state) {
    EXPECT_EQ(wire_name(judge(status_of(input), now)), wire_name(health));
    EXPECT_EQ(state_word(status_of(input)), state);
}

TEST(HealthTest, an_idle_worker_is_healthy_however_long_ago_its_last_step_was) {
    check({.since_step = 2h}, Health::healthy, "idle");
}
TEST(HealthTest, a_worker_that_steps_is_busy_and_healthy) {
    check({.running = 1, .since_step = 1s}, Health::healthy, "busy");
}
TEST(HealthTest, work_without_a_step_for_ten_seconds_degrades) {
    check({.running = 1, .since_step = 11s}, Health::degraded, "busy");
}
TEST(HealthTest, work_without_a_step_for_thirty_seconds_is_unhealthy) {
    check({.running = 1, .since_step = 31s}, Health::unhealthy, "busy");
}
TEST(HealthTest, slow_steps_are_given_twenty_times_their_length) {
    check({.running = 1, .since_step = 31s, .last_step = 2s}, Health::degraded, "busy");
    check({.running = 1, .since_step = 41s, .last_step = 2s}, Health::unhealthy, "busy");
}
TEST(HealthTest, loading_and_draining_degrade) {
    check({.life = LifeState::loading}, Health::degraded, "loading");
    check({.life = LifeState::draining}, Health::degraded, "draining");
}
TEST(HealthTest, a_job_that_lacked_memory_degrades) {
    check({.lacked_memory = true}, Health::degraded, "idle");
    check({.memory_short = true}, Health::degraded, "idle");
}
TEST(HealthTest, a_dead_engine_is_unhealthy) {
    check({.life = LifeState::failed}, Health::unhealthy, "error");
}

}  // namespace
}  // namespace worker

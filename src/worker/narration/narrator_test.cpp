#include "worker/narration/narrator.h"

#include "worker/base/test_pipe.h"

#include <gtest/gtest.h>

#include <thread>

namespace worker {
namespace {

using namespace std::chrono_literals;

class FixedClock final : public Clock {
public:
    TimePoint now() const override { return TimePoint{}; }
    WallTime wall_now() const override { return WallTime{1234ms}; }
};

// A narrator whose log goes into a pipe.
class NarratorTest : public testing::Test {
protected:
    void check_level(const std::string& action, const std::string& level) {
        narrator.narrate({.actor = "a", .action = action, .target = "t", .human = "h"});
        EXPECT_NE(pipe.read_all().find("\"level\":\"" + level + "\""), std::string::npos) << action;
    }

    TestPipe pipe;
    FixedClock clock;
    Log log{LogFormat::json, LogLevel::info, pipe.writing_end()};
    Narrator narrator{log, clock, "some-worker"};
    int wakes = 0;
    std::function<void()> count_wakes = [this] { ++wakes; };
};

Narration about(const std::string& job_id) {
    return {.actor = "a", .action = "b", .target = "t", .human = "Works", .job_id = job_id};
}

TEST_F(NarratorTest, each_narration_is_a_log_line_with_its_fields) {
    narrator.narrate(about("j"));
    const std::string line = pipe.read_all();
    EXPECT_NE(line.find(R"("level":"info","message":"Works","actor":"a","action":"b",)"
                        R"("target":"t","job_id":"j","emitted_at_ms":1234})"),
              std::string::npos)
        << line;
}

TEST_F(NarratorTest, failures_are_logged_as_errors) {
    check_level("model_load", "info");
    check_level("model_load_failed", "error");
    check_level("callback_error", "error");
    check_level("error", "error");
}

TEST_F(NarratorTest, returns_what_was_said) {
    const Narration said = narrator.narrate(
        {.actor = "a", .action = "b", .target = "t", .human = "uses token=hunter2"});
    EXPECT_EQ(said.human, "uses token=[REDACTED]");
    EXPECT_EQ(said.emitted_at, 1234ms);
}

TEST_F(NarratorTest, who_names_no_actor_speaks_for_the_worker) {
    EXPECT_EQ(narrator.narrate(about("j")).actor, "a");
    EXPECT_EQ(narrator.narrate({.action = "b", .target = "t", .human = "h"}).actor, "some-worker");
}

TEST_F(NarratorTest, a_subscriber_hears_what_comes_after_it) {
    narrator.narrate(about("j1"));
    const auto subscription = narrator.subscribe(std::nullopt, count_wakes);
    narrator.narrate(about("j2"));
    const auto taken = subscription->take();
    ASSERT_EQ(taken.lines.size(), 1);
    EXPECT_NE(taken.lines[0].find("j2"), std::string::npos);
    EXPECT_TRUE(subscription->take().lines.empty());
}

TEST_F(NarratorTest, a_filter_lets_one_job_through) {
    const auto subscription = narrator.subscribe("j2", count_wakes);
    narrator.narrate({.actor = "a", .action = "b", .target = "t", .human = "h"});
    narrator.narrate(about("j1"));
    narrator.narrate(about("j2"));
    EXPECT_EQ(subscription->take().lines.size(), 1);
}

TEST_F(NarratorTest, a_reader_is_woken_once_for_what_it_has_not_taken) {
    const auto subscription = narrator.subscribe(std::nullopt, count_wakes);
    narrator.narrate(about("j"));
    narrator.narrate(about("j"));
    EXPECT_EQ(wakes, 1);
    subscription->take();
    narrator.narrate(about("j"));
    EXPECT_EQ(wakes, 2);
}

TEST_F(NarratorTest, a_slow_reader_loses_lines_and_is_told_how_many) {
    const auto subscription = narrator.subscribe(std::nullopt, count_wakes);
    for (std::size_t i = 0; i < Narrator::subscription_lines_max + 3; ++i)
        narrator.narrate(about("j"));
    const auto taken = subscription->take();
    EXPECT_EQ(taken.lines.size(), Narrator::subscription_lines_max);
    EXPECT_EQ(taken.lines_dropped, 3);
    EXPECT_EQ(subscription->take().lines_dropped, 0);
}

TEST_F(NarratorTest, nobody_is_woken_after_leaving) {
    narrator.subscribe(std::nullopt, count_wakes).reset();
    narrator.narrate(about("j"));
    EXPECT_EQ(wakes, 0);
}

TEST_F(NarratorTest, threads_narrate_while_readers_come_and_go) {
    std::thread other([&] {
        for (int i = 0; i < 200; ++i) narrator.narrate(about("j"));
    });
    std::size_t lines = 0;
    for (int i = 0; i < 200; ++i) {
        const auto subscription = narrator.subscribe(std::nullopt, [] {});
        narrator.narrate(about("j"));
        lines += subscription->take().lines.size();
    }
    other.join();
    EXPECT_GE(lines, 200);
}

}  // namespace
}  // namespace worker

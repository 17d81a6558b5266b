// What is decided at the door.
#include "worker/scheduler/scheduler.h"

#include "tests/support/echo_engine.h"
#include "tests/support/scheduler_surroundings.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace worker {
namespace {

using namespace std::chrono_literals;

class SchedulerTest : public testing::Test, protected SchedulerSurroundings {
protected:
    SchedulerTest() { be_ready(2); }

    Result<Submitted<EchoOutput>> submit(JobTerms terms) {
        return scheduler_.submit({"abc"}, std::move(terms), ReadEvents::go);
    }
    Result<Submitted<EchoOutput>> submit_for(Clock::Duration time, std::uint32_t units_in = 0) {
        return submit({.deadline = clock_.now() + time, .units_in = units_in});
    }

    // The engine says this of a job.
    void report(JobId id, Event<EchoOutput> event) {
        TurnReport<EchoOutput> turn;
        turn.reports.push_back({id, std::move(event)});
        scheduler_.deliver(std::move(turn));
    }
    // A job has held a slot for so long.
    void complete_one(Clock::Duration time) {
        const JobId id = submit({})->id;
        report(id, Started{1});
        clock_.advance(time);
        report(id, Ended{});
    }

    void life(LifeState state) {
        board_.update([&](WorkerStatus& status) { status.life = state; });
    }

    const SchedulerLimits limits_{.queue_max = 4};
    Mailbox<Command<EchoJob>> mailbox_{100};
    Scheduler<EchoJob, EchoOutput> scheduler_{
        io_.get_executor(), limits_, {mailbox_, board_, clock_, metrics_, narrator_}};
};

TEST_F(SchedulerTest, nothing_is_taken_before_ready_after_death_and_while_draining) {
    life(LifeState::loading);
    EXPECT_EQ(submit({}).error().code, ErrorCode::not_ready);
    life(LifeState::failed);
    EXPECT_EQ(submit({}).error().code, ErrorCode::worker_unhealthy);
    life(LifeState::ready);
    EXPECT_TRUE(submit({}));
    scheduler_.begin_drain();
    EXPECT_EQ(submit({}).error().code, ErrorCode::not_ready);
}

TEST_F(SchedulerTest, a_full_queue_is_told_with_a_time_by_what_was_measured) {
    complete_one(30s);
    for (int i = 0; i < 6; ++i) {
        const auto job = submit({});
        ASSERT_TRUE(job);
        if (i < 2) report(job->id, Started{1});
    }
    const auto refused = submit({});
    EXPECT_EQ(refused.error().code, ErrorCode::all_slots_busy);
    EXPECT_EQ(refused.error().retry_after, 75s);  // Five turns of 30 s, two at a time.
}

TEST_F(SchedulerTest, nothing_is_taken_while_device_memory_is_short_and_each_refusal_counts) {
    board_.update([](WorkerStatus& status) { status.device_memory_short = true; });
    EXPECT_EQ(submit({}).error().code, ErrorCode::insufficient_resources);
    EXPECT_EQ(scheduler_.refusal()->retry_after, 5s);
    EXPECT_NE(metrics_.scrape({}).find("worker_requests_total{outcome=\"refused\"} 2\n"),
              std::string::npos);
    board_.update([](WorkerStatus& status) { status.device_memory_short = false; });
    EXPECT_TRUE(submit({}));
}

TEST_F(SchedulerTest, what_was_told_of_a_job_that_is_given_up_counts_in_full) {
    const JobId id = submit({.units_in = 5})->id;
    report(id, Started{1});
    report(id, EchoOutput{"ab"});
    scheduler_.cancel(id, {ErrorCode::cancelled, "the client has left"});
    const std::string metrics = metrics_.scrape({});
    EXPECT_NE(metrics.find("worker_tokens_in_total 5\n"), std::string::npos);
    EXPECT_NE(metrics.find("worker_tokens_generated_total 2\n"), std::string::npos);
}

TEST_F(SchedulerTest, a_running_job_is_known_by_its_name_until_it_ends) {
    const JobId id = submit({.job_id = "job-1"})->id;
    EXPECT_FALSE(scheduler_.running_job(id));
    report(id, Started{1});
    const auto started = scheduler_.running_job(id);
    ASSERT_TRUE(started);
    EXPECT_EQ(started->job_id, "job-1");
    EXPECT_EQ(started->started_at, clock_.wall_now());
    EXPECT_EQ(started->units_per_second, std::nullopt);
    report(id, EchoOutput{"abcd"});
    clock_.advance(2s);
    EXPECT_EQ(scheduler_.running_job(id)->units_per_second, 2.0);
    report(id, Ended{});
    EXPECT_FALSE(scheduler_.running_job(id));
}

TEST_F(SchedulerTest, a_deadline_that_the_jobs_ahead_leave_no_time_for_is_refused_at_once) {
    complete_one(10s);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(submit({}));
    const auto refused = submit_for(4s);  // Two jobs wait ahead, for about 10 s.
    EXPECT_EQ(refused.error().code, ErrorCode::insufficient_resources);
    EXPECT_EQ(refused.error().retry_after, 6s);
    EXPECT_TRUE(submit_for(11s));
}

TEST_F(SchedulerTest, a_deadline_that_the_prompt_alone_takes_longer_than_is_refused) {
    board_.update([](WorkerStatus& status) { status.backend.units_in_per_second = 100; });
    EXPECT_EQ(submit_for(4s, 500).error().code, ErrorCode::insufficient_resources);
    EXPECT_TRUE(submit_for(6s, 500));
}

TEST_F(SchedulerTest, what_was_not_measured_refuses_nobody) {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(submit({}));
    EXPECT_TRUE(submit_for(1ms, 100'000));
}

TEST_F(SchedulerTest, a_deadline_in_the_queue_ends_the_job_with_a_timeout) {
    const auto job = submit_for(1s);
    clock_.advance(999ms);
    scheduler_.expire();
    EXPECT_FALSE(job->log->ended());
    clock_.advance(1ms);
    scheduler_.expire();
    ASSERT_TRUE(job->log->ended());
    EXPECT_EQ(job->log->error()->code, ErrorCode::timeout);
    const auto commands = mailbox_.take();
    EXPECT_TRUE(std::holds_alternative<Cancel>(commands.back()));
}

}  // namespace
}  // namespace worker

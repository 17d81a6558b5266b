#include "worker/scheduler/waiting_jobs.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <vector>

namespace worker {
namespace {

using namespace std::chrono_literals;

constexpr Clock::TimePoint noon = Clock::TimePoint{} + 12h;

struct Case {
    QueueTerms terms;
    std::size_t position;
};

// Jobs in the order of their arrival.
void check(const std::vector<Case>& cases) {
    WaitingJobs waiting;
    for (std::size_t i = 0; i < cases.size(); ++i) waiting.add(JobId{i}, cases[i].terms);
    for (std::size_t i = 0; i < cases.size(); ++i)
        EXPECT_EQ(waiting.position(JobId{i}), cases[i].position) << "job " << i;
}

TEST(WaitingJobsTest, a_caller_s_jobs_go_by_priority_then_deadline_then_age) {
    check({{{}, 3},
           {{}, 4},
           {{.priority = 5}, 0},
           {{.deadline = noon}, 2},
           {{.deadline = noon - 1h}, 1},
           {{.priority = -1}, 5}});
}

TEST(WaitingJobsTest, callers_of_one_priority_take_turns) {
    check({{{.caller = "a"}, 0},
           {{.caller = "a"}, 3},
           {{.caller = "a"}, 5},
           {{.caller = "b"}, 1},
           {{.caller = "c"}, 2},
           {{.caller = "c"}, 4}});
}

TEST(WaitingJobsTest, what_has_started_or_ended_is_nowhere) {
    WaitingJobs waiting;
    waiting.add(JobId{1}, {});
    waiting.add(JobId{2}, {});
    waiting.remove(JobId{1});
    waiting.remove(JobId{1});
    EXPECT_EQ(waiting.position(JobId{1}), std::nullopt);
    EXPECT_EQ(waiting.position(JobId{2}), 0u);
    EXPECT_EQ(waiting.size(), 1u);
}

struct QueuedJob {
    JobId id;
};

TEST(WaitingJobsTest, positions_are_those_of_the_engine_s_queue_while_jobs_are_equally_large) {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937 chance(seed);
        WaitingJobs waiting;
        JobQueue<QueuedJob> queue;
        for (std::uint64_t i = 0; i < 40; ++i) {
            // Of one priority: what is done at a higher one counts for its callers afterwards.
            const QueueTerms terms{.caller = std::string(1, static_cast<char>('a' + chance() % 4)),
                                   .units_in = 10};
            waiting.add(JobId{i}, terms);
            queue.push(terms, {JobId{i}});
        }
        std::vector<JobId> order;
        while (!queue.empty()) order.push_back(queue.take().id);
        for (std::size_t at = 0; at < order.size(); ++at)
            ASSERT_EQ(waiting.position(order[at]), at);
    }
}

}  // namespace
}  // namespace worker

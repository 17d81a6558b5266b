#include "worker/scheduler/job_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace worker {
namespace {

using namespace std::chrono_literals;

struct Job {
    JobId id;
};

class JobQueueTest : public testing::Test {
protected:
    void push(std::uint64_t id, const QueueTerms& terms = {}) { queue_.push(terms, {JobId{id}}); }

    // Takes all that waits, in its order; each job does so much work at once.
    std::string drain(std::uint64_t units = 0) {
        std::string order;
        while (!queue_.empty()) {
            const Job job = queue_.take();
            queue_.served(job.id, units);
            order += (order.empty() ? "" : " ") + std::to_string(std::uint64_t(job.id));
        }
        return order;
    }

    JobQueue<Job> queue_;
};

TEST_F(JobQueueTest, the_oldest_goes_first) {
    for (const std::uint64_t id : {3, 1, 2}) push(id);
    EXPECT_EQ(drain(), "3 1 2");
}

TEST_F(JobQueueTest, a_higher_priority_goes_before_that) {
    push(1);
    push(2, {.priority = -1});
    push(3, {.priority = 5});
    EXPECT_EQ(drain(), "3 1 2");
}

TEST_F(JobQueueTest, of_one_caller_the_earliest_deadline_goes_first) {
    const Clock::TimePoint now{};
    push(1, {.deadline = now + 3s});
    push(2, {.deadline = now + 1s});
    push(3);
    push(4, {.deadline = now + 1s});
    EXPECT_EQ(drain(), "2 4 1 3");
}

TEST_F(JobQueueTest, callers_take_turns) {
    for (const std::uint64_t id : {1, 2, 3, 4}) push(id, {.caller = "many"});
    push(5, {.caller = "one"});
    EXPECT_EQ(drain(10), "1 5 2 3 4");
}

TEST_F(JobQueueTest, a_caller_pays_for_the_work_and_not_for_the_number_of_its_jobs) {
    for (const std::uint64_t id : {1, 2, 3}) push(id, {.caller = "small", .units_in = 1});
    for (const std::uint64_t id : {4, 5, 6}) push(id, {.caller = "large", .units_in = 100});
    EXPECT_EQ(drain(), "1 4 2 3 5 6");
}

TEST_F(JobQueueTest, a_caller_that_comes_back_has_saved_nothing_up) {
    push(1, {.caller = "busy"});
    const Job running = queue_.take();
    queue_.served(running.id, 1000);
    push(2, {.caller = "busy"});
    push(3, {.caller = "new"});
    push(4, {.caller = "new"});
    EXPECT_EQ(drain(1), "2 3 4");
}

TEST_F(JobQueueTest, the_next_stays_the_next_until_it_goes_or_a_higher_priority_comes) {
    push(1, {.caller = "a"});
    EXPECT_EQ(queue_.front().id, JobId{1});
    push(2, {.caller = "b"});
    push(3, {.caller = "a"});
    EXPECT_EQ(queue_.front().id, JobId{1});
    push(4, {.priority = 1});
    EXPECT_EQ(queue_.front().id, JobId{4});
    EXPECT_TRUE(queue_.remove(JobId{4}));
    EXPECT_EQ(queue_.front().id, JobId{1});
}

TEST_F(JobQueueTest, what_is_removed_does_not_start) {
    push(1);
    push(2);
    EXPECT_TRUE(queue_.remove(JobId{1}));
    EXPECT_FALSE(queue_.remove(JobId{1}));
    EXPECT_EQ(queue_.size(), 1u);
    EXPECT_EQ(drain(), "2");
}

}  // namespace
}  // namespace worker

#include "worker/scheduler/job_group.h"

#include "tests/support/echo_engine.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace worker {
namespace {

using Log = JobLog<EchoOutput>;

class JobGroupTest : public testing::Test {
protected:
    void SetUp() override {
        for (int i = 0; i < 2; ++i) {
            logs_.push_back(
                std::make_shared<Log>(io_.get_executor(), std::size_t{1} << 20, ReadEvents::go));
            group_->add(JobStream<EchoOutput>(logs_.back()));
        }
    }

    void say(std::size_t job, const std::string& text) {
        ASSERT_TRUE(logs_[job]->push(EchoOutput{text}));
    }
    void end(std::size_t job) { ASSERT_TRUE(logs_[job]->push(Ended{})); }
    void fail(std::size_t job) {
        ASSERT_TRUE(logs_[job]->push(Failed{{ErrorCode::timeout, "late", std::nullopt}}));
    }

    // "0:abc 1:x 0:end"
    std::string read() {
        std::string text;
        while (const auto report = group_->try_next()) {
            const auto* output = std::get_if<EchoOutput>(&report->event);
            text += std::to_string(report->job) + ":" + (output ? output->text : "end") + " ";
        }
        return text;
    }

    boost::asio::io_context io_;
    std::vector<std::shared_ptr<Log>> logs_;
    std::unique_ptr<JobGroup<EchoOutput>> group_ =
        std::make_unique<JobGroup<EchoOutput>>(io_.get_executor());
};

TEST_F(JobGroupTest, each_job_in_its_turn) {
    say(0, "a");
    end(0);
    say(1, "b");
    end(1);
    EXPECT_EQ(read(), "0:a 1:b 0:end 1:end ");
    EXPECT_TRUE(group_->at_end());
}

TEST_F(JobGroupTest, ends_with_its_last_job) {
    end(1);
    EXPECT_EQ(read(), "1:end ");
    EXPECT_FALSE(group_->at_end());
}

TEST_F(JobGroupTest, is_decided_by_the_first_output_or_error_or_the_last_end) {
    EXPECT_TRUE(group_->undecided());
    end(0);
    EXPECT_TRUE(group_->undecided());
    end(1);
    EXPECT_FALSE(group_->undecided());
}

TEST_F(JobGroupTest, an_error_before_any_output_is_the_groups) {
    fail(1);
    EXPECT_FALSE(group_->undecided());
    ASSERT_TRUE(group_->failed_without_output());
    EXPECT_EQ(group_->failed_without_output()->message, "late");
    say(0, "a");
    EXPECT_FALSE(group_->failed_without_output());
}

TEST_F(JobGroupTest, wakes_for_whichever_reports) {
    bool woken = false;
    const auto wait = [](JobGroup<EchoOutput>& group, bool& flag) -> boost::asio::awaitable<void> {
        co_await group.wait(Clock::TimePoint::max());
        flag = true;
    };
    boost::asio::co_spawn(io_, wait(*group_, woken), [](std::exception_ptr) {});
    io_.poll();
    EXPECT_FALSE(woken);
    say(1, "b");
    io_.restart();
    io_.poll();
    EXPECT_TRUE(woken);
}

TEST_F(JobGroupTest, the_logs_outlive_it) {
    group_.reset();
    say(0, "a");
    end(0);
}

}  // namespace
}  // namespace worker

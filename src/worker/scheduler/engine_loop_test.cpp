#include "worker/scheduler/engine_loop.h"

#include "tests/support/echo_engine.h"
#include "tests/support/manual_clock.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace worker {
namespace {

using EchoCommand = Command<EchoJob>;

// An engine loop whose reports are collected as words: "1+" started, "1:a" output, "1." ended,
// "1!" failed, "1~" forgotten.
class EngineLoopTest : public testing::Test {
protected:
    EchoCommand submit(std::uint64_t id, std::string text, int priority = 0) {
        return Submit<EchoJob>{JobId{id}, {std::move(text)}, {.priority = priority}};
    }

    std::string turn(std::vector<EchoCommand> commands = {}) {
        said_.clear();
        loop_.turn(std::move(commands));
        return said_;
    }

    EchoEngine engine_{1, 100};
    ManualClock clock_;
    StatusBoard board_;
    Mailbox<EchoCommand> mailbox_{100};
    std::string said_;
    EngineLoop<EchoJob, EchoOutput> loop_{
        engine_, mailbox_, board_, clock_,
        [this](TurnReport<EchoOutput> report) { say(std::move(report)); }};

private:
    void say(TurnReport<EchoOutput> turn) {
        for (const JobReport<EchoOutput>& report : turn.reports) {
            std::string word = std::to_string(static_cast<std::uint64_t>(report.id));
            if (std::holds_alternative<Started>(report.event)) word += "+";
            if (const auto* output = std::get_if<EchoOutput>(&report.event))
                word += ":" + output->text;
            if (std::holds_alternative<Ended>(report.event)) word += ".";
            if (std::holds_alternative<Failed>(report.event)) word += "!";
            said_ += (said_.empty() ? "" : " ") + word;
        }
        for (const JobId id : turn.forgotten)
            said_ +=
                (said_.empty() ? "" : " ") + std::to_string(static_cast<std::uint64_t>(id)) + "~";
    }
};

TEST_F(EngineLoopTest, a_job_starts_and_steps_in_the_turn_it_arrives) {
    EXPECT_EQ(turn({submit(1, "ab")}), "1+ 1:a");
    EXPECT_EQ(turn(), "1:b 1.");
    EXPECT_FALSE(loop_.has_work());
}

TEST_F(EngineLoopTest, a_job_waits_for_a_slot) {
    EXPECT_EQ(turn({submit(1, "ab"), submit(2, "c")}), "1+ 1:a");
    EXPECT_EQ(board_.read().jobs_queued, 1u);
    EXPECT_EQ(turn(), "1:b 1.");
    EXPECT_EQ(turn(), "2+ 2:c 2.");
}

TEST_F(EngineLoopTest, a_step_that_has_not_ended_counts_as_work) {
    engine_.on_step = [this] {
        EXPECT_EQ(board_.read().jobs_running, 1u);
        EXPECT_EQ(board_.read().backend.slots_busy, 1u);
    };
    turn({submit(1, "a")});
    EXPECT_FALSE(board_.read().has_work());
}

TEST_F(EngineLoopTest, a_higher_priority_goes_first_then_the_older) {
    turn({submit(1, "xx")});
    turn({submit(2, "a"), submit(3, "b", 5), submit(4, "c", 5)});
    EXPECT_EQ(turn(), "3+ 3:b 3.");
    EXPECT_EQ(turn(), "4+ 4:c 4.");
    EXPECT_EQ(turn(), "2+ 2:a 2.");
}

TEST_F(EngineLoopTest, cancel_frees_the_slot_before_the_next_step) {
    turn({submit(1, "aaaa"), submit(2, "b")});
    EXPECT_EQ(turn({Cancel{JobId{1}}}), "2+ 2:b 2. 1~");
}

TEST_F(EngineLoopTest, a_cancelled_job_in_the_queue_never_starts) {
    turn({submit(1, "aa"), submit(2, "b")});
    EXPECT_EQ(turn({Cancel{JobId{2}}}), "1:a 1. 2~");
    EXPECT_FALSE(loop_.has_work());
}

TEST_F(EngineLoopTest, cancelling_an_unknown_job_is_acknowledged) {
    EXPECT_EQ(turn({Cancel{JobId{9}}}), "9~");
}

TEST_F(EngineLoopTest, a_job_that_can_not_start_fails_alone) {
    EchoCommand refused = Submit<EchoJob>{JobId{1}, {"a", true}, 0};
    EXPECT_EQ(turn({refused, submit(2, "b")}), "1! 2+ 2:b 2.");
}

TEST_F(EngineLoopTest, a_failed_step_ends_the_jobs_in_it_and_spares_the_queue) {
    turn({submit(1, "aa"), submit(2, "b")});
    engine_.next_step = EchoEngine::NextStep::fails;
    EXPECT_EQ(turn(), "1!");
    EXPECT_EQ(turn(), "2+ 2:b 2.");
}

TEST_F(EngineLoopTest, a_step_that_throws_is_a_failed_step) {
    engine_.next_step = EchoEngine::NextStep::throws;
    EXPECT_EQ(turn({submit(1, "aa")}), "1+ 1!");
    EXPECT_EQ(turn({submit(2, "b")}), "2+ 2:b 2.");
}

TEST_F(EngineLoopTest, three_failed_steps_in_a_row_end_the_engine_and_the_queue) {
    for (std::uint64_t id = 1; id <= 2; ++id) {
        engine_.next_step = EchoEngine::NextStep::fails;
        EXPECT_EQ(turn({submit(id, "a")}), std::to_string(id) + "+ " + std::to_string(id) + "!");
        EXPECT_NE(board_.read().life, LifeState::failed);
    }
    engine_.next_step = EchoEngine::NextStep::fails;
    EXPECT_EQ(turn({submit(3, "a"), submit(4, "b")}), "3+ 3! 4!");
    EXPECT_EQ(board_.read().life, LifeState::failed);
}

TEST_F(EngineLoopTest, a_step_that_works_starts_the_count_again) {
    for (std::uint64_t id = 1; id <= 4; ++id) {
        engine_.next_step = EchoEngine::NextStep::fails;
        turn({submit(id, "a")});
        turn({submit(100 + id, "b")});
    }
    EXPECT_NE(board_.read().life, LifeState::failed);
}

}  // namespace
}  // namespace worker

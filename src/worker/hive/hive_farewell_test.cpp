// How links end: with a last beat, or in the middle of a call.
#include "tests/support/hive_fixture.h"

namespace worker {
namespace {

class HiveFarewellTest : public HiveFixture {};

TEST_F(HiveFarewellTest, a_farewell_is_one_beat_and_the_last) {
    ScriptedPeer hive({{ok}});
    ScriptedPeer queen({{ok}});
    settings.callback_url = hive.url("/ready");
    settings.queen_url = queen.url();
    make().start();
    links->worker_ready();
    run_until_heard(hive, 2);
    run_until_heard(queen, 1);

    state = "draining";
    say_farewell(patience);
    const std::string hive_heard = "/ready\n/v1/heartbeat idle\n/v1/heartbeat draining\n";
    EXPECT_EQ(heard_by(hive, "state"), hive_heard);
    EXPECT_EQ(heard_by(queen, "status"),
              "/v1/worker-heartbeat ready\n/v1/worker-heartbeat stopping\n");

    links->start();
    links->worker_ready();
    links->beat_now();
    io.restart();
    io.poll();
    EXPECT_TRUE(io.stopped());
    EXPECT_EQ(heard_by(hive, "state"), hive_heard);
}

TEST_F(HiveFarewellTest, a_farewell_takes_the_place_of_the_call_under_way) {
    ScriptedPeer hive({{"", Then::stay}, {ok}});
    settings.hive_url = hive.url();
    make().start();
    run_until_heard(hive, 1);
    state = "draining";
    say_farewell(patience);
    EXPECT_EQ(heard_by(hive, "state"), "/v1/heartbeat idle\n/v1/heartbeat draining\n");
    EXPECT_EQ(count(pipe.read_all(), "heartbeat_failed"), "0 x heartbeat_failed");
}

TEST_F(HiveFarewellTest, a_farewell_waits_for_nobody_beyond_its_deadline) {
    ScriptedPeer hive({{"", Then::stay}});
    settings.hive_url = hive.url();
    make().start();
    run_until_heard(hive, 1);
    say_farewell(50ms);  // Returns.
}

TEST_F(HiveFarewellTest, no_farewell_goes_to_a_hive_that_does_not_know_the_worker) {
    ScriptedPeer hive({{broken}});
    settings.callback_url = hive.url("/ready");
    settings.policy.callback_pause = patience;
    make().start();
    say_farewell(patience);
    EXPECT_TRUE(hive.received().empty());

    make().worker_ready();
    run_until_heard(hive, 1);
    say_farewell(patience);
    EXPECT_EQ(heard_by(hive, "state"), "/ready\n");
    EXPECT_EQ(given_up, "");
}

TEST_F(HiveFarewellTest, may_end_with_calls_under_way_before_or_after_its_executor) {
    ScriptedPeer hive({{"", Then::stay}});
    settings.hive_url = hive.url();
    make().start();
    run_until_heard(hive, 1);
    links.reset();
    io.restart();
    io.run();  // What was under way unwinds, and says nothing.
    EXPECT_EQ(pipe.read_all(), "");

    make().start();
    links.reset();
    io.restart();
    io.run();  // What had not begun yet does not begin.
    EXPECT_EQ(hive.received().size(), 1u);

    make().start();
    run_until_heard(hive, 2);
    links.reset();
}

}  // namespace
}  // namespace worker

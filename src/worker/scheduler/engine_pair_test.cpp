#include "worker/scheduler/engine_pair.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <vector>

namespace worker {
namespace {

using namespace std::chrono_literals;
using Calls = std::vector<std::string>;

// Writes down what is asked of it.
class ScriptedEngine final : public EngineControl {
public:
    ScriptedEngine(std::string name, Calls& calls) : name_(std::move(name)), calls_(calls) {}

    void start(Callbacks told) override {
        note("start");
        callbacks = std::move(told);
    }
    void begin_drain() override { note("drain"); }
    std::optional<RunningJob> running_job(JobId) const override {
        return RunningJob{.job_id = name_, .started_at = {}};
    }
    boost::asio::awaitable<void> wait_idle(Clock::TimePoint) override {
        note("idle");
        co_return;
    }
    void end_all(const Error& error) override { note("end " + error.message); }
    bool stop(std::chrono::milliseconds) override {
        note("stop");
        return stops;
    }

    Callbacks callbacks;
    bool stops = true;

private:
    void note(const std::string& call) { calls_.push_back(name_ + " " + call); }

    const std::string name_;
    Calls& calls_;
};

class EnginePairTest : public testing::Test {
protected:
    void start() {
        pair.start(
            {.loaded =
                 [this](Result<void> result) { calls.push_back(result ? "loaded" : "failed"); },
             .died = [this] { calls.emplace_back("died"); }});
    }
    void check(const Calls& expected) {
        EXPECT_EQ(calls, expected);
        calls.clear();
    }

    Calls calls;
    ScriptedEngine first{"first", calls};
    ScriptedEngine second{"second", calls};
    bool wants_second = true;
    EnginePair pair{first, second, [this] { return wants_second; }};
};

TEST_F(EnginePairTest, the_second_loads_when_the_first_has) {
    start();
    check({"first start"});
    first.callbacks.loaded({});
    check({"second start"});
    second.callbacks.loaded({});
    check({"loaded"});
    second.callbacks.died();
    first.callbacks.died();
    check({"died", "died"});
}

TEST_F(EnginePairTest, a_second_that_nobody_wants_does_not_load) {
    wants_second = false;
    start();
    first.callbacks.loaded({});
    check({"first start", "loaded"});
}

TEST_F(EnginePairTest, either_may_fail_to_load) {
    start();
    first.callbacks.loaded(fail(ErrorCode::model_corrupt, "no"));
    check({"first start", "failed"});
    start();
    first.callbacks.loaded({});
    second.callbacks.loaded(fail(ErrorCode::model_corrupt, "no"));
    check({"first start", "second start", "failed"});
}

TEST_F(EnginePairTest, who_drains_loads_nothing_more) {
    start();
    pair.begin_drain();
    first.callbacks.loaded({});
    check({"first start", "first drain", "second drain", "loaded"});
}

TEST_F(EnginePairTest, they_end_together) {
    boost::asio::io_context io;
    boost::asio::co_spawn(io, pair.wait_idle({}),
                          [](const std::exception_ptr& failure) { EXPECT_FALSE(failure); });
    io.run();
    check({"first idle", "second idle"});
    pair.end_all({ErrorCode::cancelled, "now", {}});
    check({"first end now", "second end now"});
    EXPECT_TRUE(pair.stop(1ms));
    first.stops = false;
    EXPECT_FALSE(pair.stop(1ms));
    check({"first stop", "second stop", "first stop", "second stop"});
    EXPECT_EQ(pair.running_job(JobId{1})->job_id, "first");
}

}  // namespace
}  // namespace worker

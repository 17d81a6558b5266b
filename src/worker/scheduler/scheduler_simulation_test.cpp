#include "tests/support/scheduler_simulation.h"

#include "tests/support/echo_engine.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

class EchoWorld {
public:
    using Input = EchoJob;
    using Output = EchoOutput;

    EchoWorld(Chance& chance, ManualClock&)
        : chance_(chance), slots_(chance.pick(1, 4)), engine_(slots_, chance.pick(40, 120)) {}

    EchoEngine& backend() { return engine_; }
    std::uint32_t slots() const { return slots_; }

    EchoJob job(std::string& text) {
        text.resize(chance_.pick(1, 40));
        for (char& c : text) c = static_cast<char>('a' + chance_.pick(0, 25));
        return {text, chance_.pick(0, 20) == 0};
    }

    void fail_a_step() {
        engine_.next_step =
            chance_.pick(0, 1) == 0 ? EchoEngine::NextStep::fails : EchoEngine::NextStep::throws;
    }

    void check() const {}
    void check_idle() const {}

private:
    Chance& chance_;
    const std::uint32_t slots_;
    EchoEngine engine_;
};

TEST(SchedulerSimulation, every_job_ends_exactly_once_whatever_happens) {
    simulate<EchoWorld>(2000, 300);
}

}  // namespace
}  // namespace worker

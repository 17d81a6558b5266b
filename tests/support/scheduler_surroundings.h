#pragma once

#include "tests/support/manual_clock.h"
#include "worker/base/log.h"
#include "worker/metrics/metrics.h"
#include "worker/narration/narrator.h"
#include "worker/scheduler/status_board.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>

namespace worker {

// What a scheduler stands among in its tests.
class SchedulerSurroundings {
protected:
    void be_ready(std::uint32_t slots) {
        board_.update([&](WorkerStatus& status) {
            status.life = LifeState::ready;
            status.backend.slots_total = slots;
        });
    }

    boost::asio::io_context io_;
    ManualClock clock_;
    StatusBoard board_;
    Metrics metrics_{"echo"};
    Log log_{LogFormat::text, LogLevel::off};
    Narrator narrator_{log_, clock_, "some-worker"};
};

}  // namespace worker

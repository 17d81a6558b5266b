#pragma once

#include "worker/base/clock.h"
#include "worker/base/log.h"
#include "worker/scheduler/codec_thread.h"
#include "worker/scheduler/job_store.h"
#include "worker/scheduler/scheduler.h"
#include "worker/scheduler/status_board.h"

#include <chrono>
#include <string>

namespace worker {

// What every route that makes jobs needs. Outlives the server. Thread: io.
template <class Input, class Output>
struct JobService {
    Scheduler<Input, Output>& scheduler;
    JobStore<Input, Output>& jobs;
    CodecThread& codec;
    const StatusBoard& board;
    const Clock& clock;
    Log& log;
    std::string model_ref;
    std::chrono::milliseconds request_timeout;
    bool log_content = false;  // what callers send, in the log
};

}  // namespace worker

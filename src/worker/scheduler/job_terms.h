#pragma once

#include "worker/base/clock.h"
#include "worker/scheduler/job_queue.h"

#include <cstdint>
#include <string>

namespace worker {

// What a job is beside its input, whatever the modality.
struct JobTerms {
    std::string job_id = {};  // as callers know it
    std::string correlation_id = {};
    std::string caller = {};  // with whom it shares what there is, in fairness to others
    std::string owner = {};   // who may read and cancel it; empty: whoever calls without a token
    int priority = 0;
    Clock::TimePoint deadline = Clock::TimePoint::max();
    std::uint32_t units_in = 0;  // work before the first output; for text that is prompt tokens

    QueueTerms in_queue() const { return {priority, caller, deadline, units_in}; }
};

}  // namespace worker

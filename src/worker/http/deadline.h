#pragma once

#include "worker/base/clock.h"
#include "worker/base/log.h"
#include "worker/base/result.h"
#include "worker/http/message.h"

#include <chrono>

namespace worker {

// When the job of this request must have ended: `longest` from now, or earlier where the caller's
// x-deadline says so. One that cannot be read is ignored, and logged. Source: wire contract, 6.
// Errors: deadline_exceeded when it has passed already.
Result<Clock::TimePoint> job_deadline(const Request& request, const Clock& clock,
                                      std::chrono::milliseconds longest, Log& log);

}  // namespace worker

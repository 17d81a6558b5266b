#pragma once

#include "worker/base/ids.h"
#include "worker/http/router.h"
#include "worker/scheduler/running_job.h"
#include "worker/scheduler/status_board.h"

#include <functional>
#include <optional>

namespace worker {

// What joins a slot, which knows its job by a number, with the job as callers know it.
using FindRunningJob = std::function<std::optional<RunningJob>(JobId)>;

// GET /v1/slots: what each slot does, as of the last step. Requires: `board` outlives the router.
void add_slot_routes(Router& router, const StatusBoard& board, FindRunningJob find_job);

}  // namespace worker

#pragma once

#include "worker/http/message.h"
#include "worker/scheduler/status_board.h"
#include "worker/validation/violation.h"

namespace worker {

// A refusal at the door; a full queue has a shape of its own. While the worker drains, it ends the
// connection too. Source: wire contract, 5.
Response refusal_response(const Error& error, const StatusBoard& board);

// What is wrong with a body. Source: wire contract, 4.1.
Response violations_response(const Violations& violations);

}  // namespace worker

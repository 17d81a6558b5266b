#include "worker/http/refusal.h"

#include "worker/contract/error_body.h"

namespace worker {

Response refusal_response(const Error& error, const StatusBoard& board) {
    Response response = error_response(error);
    const WorkerStatus status = board.read();
    if (error.code == ErrorCode::all_slots_busy)
        response.body =
            all_slots_busy_body(error, {status.backend.slots_total, status.backend.slots_busy});
    response.close = status.life == LifeState::draining;
    return response;
}

Response violations_response(const Violations& violations) {
    return {.status = http_status(violations), .body = violations_body(violations)};
}

}  // namespace worker

#include "worker/http/slot_routes.h"

#include "worker/contract/slot_report.h"
#include "worker/engine/backend.h"

#include <utility>
#include <vector>

namespace worker {
namespace {

SlotReport report_of(const SlotStatus& slot, const FindRunningJob& find_job) {
    SlotReport report{.id = slot.id,
                      .state = wire_name(slot.state),
                      .is_processing = slot.job.has_value(),
                      .tokens_in = slot.units_in,
                      .tokens_cached = slot.units_cached,
                      .tokens_out = slot.units_out,
                      .cells = slot.cells};
    // A job that has ended meanwhile has no name here any more; its slot is free after this step.
    const std::optional<RunningJob> job = slot.job ? find_job(*slot.job) : std::nullopt;
    if (!job) return report;
    report.job_id = job->job_id;
    report.started_at = job->started_at;
    report.tokens_per_second = job->units_per_second;
    return report;
}

boost::asio::awaitable<void> answer_slots(const StatusBoard& board, const FindRunningJob& find_job,
                                          ReplyWriter& reply) {
    std::vector<SlotReport> reports;
    for (const SlotStatus& slot : board.read().backend.slots)
        reports.push_back(report_of(slot, find_job));
    reply.send({.body = to_json(reports)});
    co_return;
}

}  // namespace

void add_slot_routes(Router& router, const StatusBoard& board, FindRunningJob find_job) {
    router.add({.method = "GET",
                .pattern = "/v1/slots",
                .handler = [&board, find_job = std::move(find_job)](Request&, ReplyWriter& reply) {
                    return answer_slots(board, find_job, reply);
                }});
}

}  // namespace worker

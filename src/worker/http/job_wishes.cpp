#include "worker/http/job_wishes.h"

#include "worker/http/job_routes.h"

#include <fmt/format.h>

namespace worker {

ReplyKind reply_kind(const JobWishes& wishes, const Request& request, OneCall one_call) {
    if (wishes.operation) return ReplyKind::job;
    if (wishes.stream) return *wishes.stream ? ReplyKind::stream : ReplyKind::whole;
    const bool streams =
        wishes.job_id || accepts_events(request) || one_call == OneCall::by_default;
    return streams ? ReplyKind::stream : ReplyKind::job;
}

Result<void> check_operation(const std::optional<std::string>& wanted, std::string_view ours) {
    if (!wanted || *wanted == ours) return {};
    return fail(ErrorCode::invalid_request,
                fmt::format("this worker's only operation is \"{}\"", ours));
}

}  // namespace worker

#include "worker/http/deadline.h"

#include "worker/base/quantities.h"
#include "worker/http/tokens.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace worker {
namespace {

using std::chrono::milliseconds;

// Since the Unix epoch.
std::optional<milliseconds> parse_epoch(std::string_view text) {
    const std::optional<std::uint64_t> value = parse_decimal(text);
    if (!value || !std::in_range<std::int64_t>(*value)) return std::nullopt;
    return milliseconds(*value);
}

}  // namespace

Result<Clock::TimePoint> job_deadline(const Request& request, const Clock& clock,
                                      milliseconds longest, Log& log) {
    constexpr std::string_view name = "x-deadline";
    const Clock::TimePoint latest = clock.now() + longest;
    const std::size_t count = request.fields.count(name);
    if (count == 0) return latest;
    const auto given = parse_epoch(trim(*request.fields.find(name)));
    if (count > 1 || !given) {
        log.write(LogLevel::warn, "x-deadline is ignored: it must be one number of milliseconds",
                  {{"correlation_id", request.correlation_id}});
        return latest;
    }
    const auto wall_now =
        std::chrono::duration_cast<milliseconds>(clock.wall_now().time_since_epoch());
    if (*given <= wall_now) return fail(ErrorCode::deadline_exceeded, "Request deadline exceeded");
    return clock.now() + std::min(longest, *given - wall_now);
}

}  // namespace worker

#pragma once

#include "worker/base/clock.h"
#include "worker/base/ids.h"
#include "worker/scheduler/job_queue.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace worker {

// The jobs that wait for a slot, as the io thread sees them: those in the engine's `JobQueue` and
// those on their way there. Ids are in the order of arrival. Thread: one.
class WaitingJobs {
public:
    // Requires: `id` does not wait yet.
    void add(JobId id, const QueueTerms& terms);
    // It has started or ended. An id that does not wait is ignored.
    void remove(JobId id);

    std::size_t size() const { return places_.size(); }

    // How many jobs start before this one; nothing when it does not wait. That is by priority, then
    // as if callers took turns, each with its earliest deadline, then its oldest. Exact while jobs
    // are equally large; what the engine counts is work, much of which is yet to be done.
    std::optional<std::size_t> position(JobId id) const;

private:
    using Line = std::set<std::pair<Clock::TimePoint, JobId>>;  // one caller's
    using Lines = std::map<std::string, Line>;                  // of one priority

    struct Place {
        int priority;
        std::string caller;
        Clock::TimePoint deadline;
    };

    static std::size_t starting_before(JobId id, std::size_t turn, const Line& other);

    std::map<int, Lines, std::greater<>> lines_;
    std::unordered_map<JobId, Place> places_;
};

}  // namespace worker

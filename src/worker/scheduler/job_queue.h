#pragma once

#include "worker/base/assert.h"
#include "worker/base/clock.h"
#include "worker/base/ids.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace worker {

// Where a job stands among others that wait.
struct QueueTerms {
    int priority = 0;         // Higher goes first.
    std::string caller = {};  // Callers of one priority share what there is.
    Clock::TimePoint deadline = Clock::TimePoint::max();
    std::uint32_t units_in = 0;  // work before its first output
};

// The jobs that wait for a slot. The highest priority goes first; within it the caller for whom
// the least work has been done lately; of that caller's the earliest deadline, then the oldest.
// Its bound is kept at the door, by whoever admits jobs. Thread: one.
//
// Source, for counting served work and lifting callers that come back: Sheng et al., "Fairness in
// Serving Large Language Models", OSDI 2024 (virtual token counter).
template <class Job>
class JobQueue {
public:
    // Requires: `job.id` is not in the queue.
    void push(const QueueTerms& terms, Job job) {
        Caller& caller = callers_[terms.caller];
        if (caller.jobs++ == 0) caller.served = std::max(caller.served, least_served(terms.caller));
        const Place place{-terms.priority, terms.caller, terms.deadline, arrivals_++};
        WORKER_ASSERT(places_.emplace(job.id, place).second);
        jobs_.emplace(place, Waiting{std::move(job), terms.units_in});
    }

    bool empty() const { return jobs_.empty(); }
    std::size_t size() const { return jobs_.size(); }

    // The next to start. It stays the next until it is taken or removed, or one of a higher
    // priority comes: a job that needs much room is not overtaken for ever. Requires: not empty.
    Job& front() {
        const int priority = std::get<0>(jobs_.begin()->first);
        if (!next_ || std::get<0>(*next_) != priority) next_ = choose(priority);
        return jobs_.at(*next_).job;
    }

    // Takes `front` out; it goes on counting among its caller's jobs until `ended`.
    Job take() {
        Job job = std::move(front());
        const std::string caller = std::get<1>(*next_);
        callers_.at(caller).served += jobs_.at(*next_).units_in;
        running_.emplace(job.id, caller);
        forget(job.id);
        return job;
    }

    // False when `id` does not wait here.
    bool remove(JobId id) {
        const auto place = places_.find(id);
        if (place == places_.end()) return false;
        const std::string caller = std::get<1>(place->second);
        forget(id);
        leave(caller);
        return true;
    }

    // So much work has been done for a job that was taken.
    void served(JobId id, std::uint64_t units) {
        const auto found = running_.find(id);
        if (found != running_.end()) callers_.at(found->second).served += units;
    }

    // A job that was taken is over.
    void ended(JobId id) {
        const auto found = running_.find(id);
        if (found == running_.end()) return;
        leave(found->second);
        running_.erase(found);
    }

private:
    // (−priority, caller, deadline, arrival)
    using Place = std::tuple<int, std::string, Clock::TimePoint, std::uint64_t>;

    struct Waiting {
        Job job;
        std::uint32_t units_in;
    };

    struct Caller {
        std::uint64_t served = 0;  // units of work
        std::size_t jobs = 0;      // that wait or run
    };

    // The first job of the caller with the least served among those of this priority.
    Place choose(int priority) const {
        auto best = jobs_.begin();
        for (auto at = jobs_.begin(); at != jobs_.end() && std::get<0>(at->first) == priority;) {
            const std::string& caller = std::get<1>(at->first);
            if (rank(at->first) < rank(best->first)) best = at;
            at = jobs_.lower_bound(Place{priority, caller, Clock::TimePoint::max(), UINT64_MAX});
        }
        return best->first;
    }

    std::pair<std::uint64_t, std::uint64_t> rank(const Place& place) const {
        return {callers_.at(std::get<1>(place)).served, std::get<3>(place)};
    }

    // Of the callers that have jobs. One that comes back takes part from there: it has saved
    // nothing up meanwhile.
    std::uint64_t least_served(const std::string& but) const {
        std::optional<std::uint64_t> least;
        for (const auto& [name, caller] : callers_)
            if (name != but) least = std::min(least.value_or(caller.served), caller.served);
        return least.value_or(0);
    }

    void forget(JobId id) {
        const Place place = places_.at(id);
        if (next_ == place) next_.reset();
        jobs_.erase(place);
        places_.erase(id);
    }

    void leave(const std::string& name) {
        const auto caller = callers_.find(name);
        if (--caller->second.jobs == 0) callers_.erase(caller);
    }

    std::uint64_t arrivals_ = 0;
    std::map<Place, Waiting> jobs_;
    std::map<JobId, Place> places_;
    std::map<JobId, std::string> running_;   // caller of each job that was taken
    std::map<std::string, Caller> callers_;  // that have jobs
    std::optional<Place> next_;              // what `front` has answered
};

}  // namespace worker

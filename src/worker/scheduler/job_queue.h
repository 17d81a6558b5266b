#pragma once

#include "worker/base/assert.h"
#include "worker/base/ids.h"

#include <cstdint>
#include <map>
#include <utility>

namespace worker {

// The jobs that wait for a slot: highest priority first, then oldest. Its bound is kept at the
// door, by whoever admits jobs. Thread: one.
template <class Job>
class JobQueue {
public:
    // Requires: `job.id` is not in the queue.
    void push(int priority, Job job) {
        const Place place{-priority, arrivals_++};
        WORKER_ASSERT(places_.emplace(job.id, place).second);
        jobs_.emplace(place, std::move(job));
    }

    bool empty() const { return jobs_.empty(); }
    std::size_t size() const { return jobs_.size(); }

    // The next to start. Requires: not empty.
    Job& front() { return jobs_.begin()->second; }

    void pop() {
        places_.erase(front().id);
        jobs_.erase(jobs_.begin());
    }

    // False when `id` does not wait here.
    bool remove(JobId id) {
        const auto place = places_.find(id);
        if (place == places_.end()) return false;
        jobs_.erase(place->second);
        places_.erase(place);
        return true;
    }

private:
    using Place = std::pair<int, std::uint64_t>;  // (−priority, arrival)

    std::uint64_t arrivals_ = 0;
    std::map<Place, Job> jobs_;
    std::map<JobId, Place> places_;
};

}  // namespace worker

#include "worker/scheduler/waiting_jobs.h"

#include "worker/base/assert.h"

#include <iterator>

namespace worker {

void WaitingJobs::add(JobId id, const QueueTerms& terms) {
    lines_[terms.priority][terms.caller].emplace(terms.deadline, id);
    const Place place{terms.priority, terms.caller, terms.deadline};
    WORKER_ASSERT(places_.emplace(id, place).second);
}

void WaitingJobs::remove(JobId id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return;
    const Place& place = found->second;
    const auto lines = lines_.find(place.priority);
    const auto line = lines->second.find(place.caller);
    line->second.erase({place.deadline, id});
    if (line->second.empty()) lines->second.erase(line);
    if (lines->second.empty()) lines_.erase(lines);
    places_.erase(found);
}

std::optional<std::size_t> WaitingJobs::position(JobId id) const {
    const auto found = places_.find(id);
    if (found == places_.end()) return std::nullopt;
    const Place& place = found->second;
    std::size_t before = 0;
    auto lines = lines_.begin();
    for (; lines->first > place.priority; ++lines)
        for (const auto& [caller, line] : lines->second) before += line.size();

    const Line& own = lines->second.at(place.caller);
    const auto at = own.find({place.deadline, id});
    // Most often it has just come, and is the last.
    const std::size_t turn = std::next(at) == own.end()
                                 ? own.size() - 1
                                 : static_cast<std::size_t>(std::distance(own.begin(), at));
    before += turn;
    for (const auto& [caller, line] : lines->second)
        if (caller != place.caller) before += starting_before(id, turn, line);
    return before;
}

// In a turn of all callers the oldest of their jobs goes first.
std::size_t WaitingJobs::starting_before(JobId id, std::size_t turn, const Line& other) {
    if (other.size() <= turn) return other.size();
    const JobId rival = std::next(other.begin(), static_cast<std::ptrdiff_t>(turn))->second;
    return turn + (rival < id ? 1 : 0);
}

}  // namespace worker

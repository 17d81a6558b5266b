#pragma once

#include "worker/base/assert.h"
#include "worker/base/async_signal.h"
#include "worker/base/clock.h"
#include "worker/engine/event.h"
#include "worker/scheduler/job_stream.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace worker {

// Several jobs that are read together, because one request made them. Dropping it cancels those
// that one call owns. Thread: io.
template <class Output>
class JobGroup {
public:
    struct Report {
        std::size_t job;  // in the order of `add`
        Event<Output> event;
    };

    explicit JobGroup(boost::asio::any_io_executor executor) : arrived_(std::move(executor)) {}
    JobGroup(const JobGroup&) = delete;
    JobGroup& operator=(const JobGroup&) = delete;

    // Requires: nothing has been taken from it.
    void add(JobStream<Output> job) {
        jobs_.push_back(std::move(job));
        jobs_.back().call_on_event([this] { arrived_.notify(); });
    }

    // The next event of any of them, if one is there; each job in its turn.
    std::optional<Report> try_next() {
        for (std::size_t tried = 0; tried < jobs_.size(); ++tried) {
            const std::size_t job = std::exchange(turn_, (turn_ + 1) % jobs_.size());
            if (auto event = jobs_[job].try_next()) return Report{job, std::move(*event)};
        }
        return std::nullopt;
    }

    // Returns when one has reported something, or at `deadline`, or for no reason.
    boost::asio::awaitable<void> wait(Clock::TimePoint deadline) {
        return arrived_.wait_until(deadline);
    }

    // All ends have been taken.
    bool at_end() const {
        return std::ranges::all_of(jobs_, [](const auto& job) { return job.at_end(); });
    }
    // None has an output or an error yet, and some have no end.
    bool undecided() const {
        const auto decided = [](const auto& job) { return job.has_output() || job.error(); };
        const auto undecided = [](const auto& job) { return job.undecided(); };
        return std::ranges::none_of(jobs_, decided) && std::ranges::any_of(jobs_, undecided);
    }
    // The first error, where none has an output.
    std::optional<Error> failed_without_output() const {
        std::optional<Error> error;
        for (const JobStream<Output>& job : jobs_) {
            if (job.has_output()) return std::nullopt;
            if (!error) error = job.error();
        }
        return error;
    }

private:
    AsyncSignal arrived_;
    std::vector<JobStream<Output>> jobs_;
    std::size_t turn_ = 0;
};

}  // namespace worker

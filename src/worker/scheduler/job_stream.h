#pragma once

#include "worker/base/clock.h"
#include "worker/engine/event.h"
#include "worker/scheduler/job_log.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace worker {

// One reader of one job, at its place in the job's log. Dropping it says that the reader has left.
// Thread: io.
template <class Output>
class JobStream {
public:
    // Requires: `position` is not before the log's first event.
    explicit JobStream(std::shared_ptr<JobLog<Output>> log, std::uint64_t position = 0)
        : log_(std::move(log)), position_(position) {}
    JobStream(JobStream&&) noexcept = default;
    JobStream& operator=(JobStream&&) noexcept = delete;
    ~JobStream() {
        if (!log_) return;
        log_->on_event = nullptr;
        const auto left = log_->on_reader_left;  // It may replace itself meanwhile.
        if (left) left();
    }

    // The next event, if it is there already.
    std::optional<Event<Output>> try_next() {
        auto event = log_->read(position_);
        if (event) ++position_;
        return event;
    }

    // The next event; nothing when none has come by `deadline`, or now and then without reason:
    // callers look at the clock. Requires: the terminal event has not been taken.
    boost::asio::awaitable<std::optional<Event<Output>>> next(Clock::TimePoint deadline) {
        co_await log_->wait_for(position_, deadline);
        co_return try_next();
    }
    // As `next`, and takes nothing.
    boost::asio::awaitable<void> wait(Clock::TimePoint deadline) {
        return log_->wait_for(position_, deadline);
    }

    // The end has been taken, by this reader or by one before.
    bool at_end() const { return log_->ended() && position_ == log_->next(); }
    // The error that the job ended with.
    const std::optional<Error>& error() const { return log_->error(); }

    bool has_output() const { return log_->has_output(); }
    // The job has neither an output nor an end yet.
    bool undecided() const { return !log_->has_output() && !log_->ended(); }
    std::optional<Error> failed_without_output() const {
        return log_->has_output() ? std::nullopt : log_->error();
    }
    // Returns when the job has reported something more, or at `deadline`, or for no reason; takes
    // nothing.
    boost::asio::awaitable<void> wait_for_more(Clock::TimePoint deadline) {
        return log_->wait_for(log_->next(), deadline);
    }

    // Beside what waits for this job alone: calls this whenever something was reported, until the
    // stream is dropped.
    void call_on_event(std::function<void()> call) { log_->on_event = std::move(call); }

    // The number of the next event.
    std::uint64_t position() const { return position_; }
    // How many outputs came before it. Requires: nothing has been taken yet.
    std::uint64_t outputs_before() const { return log_->outputs_before(position_); }

private:
    std::shared_ptr<JobLog<Output>> log_;
    std::uint64_t position_;
};

}  // namespace worker

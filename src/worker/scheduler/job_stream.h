#pragma once

#include "worker/base/async_signal.h"
#include "worker/base/clock.h"
#include "worker/engine/event.h"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace worker {

// One job's events between the engine and the reader, who may be slower. Outputs that wait are
// joined. Thread: io.
template <class Output>
class EventQueue {
public:
    EventQueue(boost::asio::any_io_executor executor, std::size_t bytes_max)
        : bytes_max_(bytes_max), arrived_(std::move(executor)) {}

    // False when the reader is too far behind: the event is then lost.
    [[nodiscard]] bool push(Event<Output> event) {
        arrived_.notify();
        auto* output = std::get_if<Output>(&event);
        if (output == nullptr) {  // A handful a job, whatever its length.
            events_.push_back(std::move(event));
            return true;
        }
        if (bytes_ + output->bytes() > bytes_max_) return false;
        bytes_ += output->bytes();
        auto* last = events_.empty() ? nullptr : std::get_if<Output>(&events_.back());
        if (last == nullptr || !last->append(*output)) events_.push_back(std::move(event));
        return true;
    }

    std::optional<Event<Output>> pop() {
        if (events_.empty()) return std::nullopt;
        Event<Output> event = std::move(events_.front());
        events_.pop_front();
        if (const auto* output = std::get_if<Output>(&event)) bytes_ -= output->bytes();
        return event;
    }

    boost::asio::awaitable<void> wait_until(Clock::TimePoint deadline) {
        if (!events_.empty()) co_return;
        co_await arrived_.wait_until(deadline);
    }

    // Called once when the reader leaves before the job has ended.
    std::function<void()> on_abandoned;

private:
    const std::size_t bytes_max_;
    std::deque<Event<Output>> events_;
    std::size_t bytes_ = 0;
    AsyncSignal arrived_;
};

// The reader's end of one job, and the job's owner: dropping it cancels the job. Thread: io.
template <class Output>
class JobStream {
public:
    explicit JobStream(std::shared_ptr<EventQueue<Output>> queue) : queue_(std::move(queue)) {}
    JobStream(JobStream&&) noexcept = default;
    JobStream& operator=(JobStream&&) noexcept = delete;
    ~JobStream() {
        if (queue_ && queue_->on_abandoned) queue_->on_abandoned();
    }

    // The next event, if it is there already.
    std::optional<Event<Output>> try_next() { return queue_->pop(); }

    // The next event; nothing when none has come by `deadline`, or now and then without reason:
    // callers look at the clock. Requires: the terminal event has not been taken.
    boost::asio::awaitable<std::optional<Event<Output>>> next(Clock::TimePoint deadline) {
        co_await queue_->wait_until(deadline);
        co_return queue_->pop();
    }

private:
    std::shared_ptr<EventQueue<Output>> queue_;
};

}  // namespace worker

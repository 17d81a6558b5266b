#pragma once

#include "worker/base/assert.h"
#include "worker/base/async_signal.h"
#include "worker/base/clock.h"
#include "worker/engine/event.h"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

namespace worker {

enum class JobState : std::uint8_t { queued, running, completed, failed, cancelled };

constexpr std::string_view wire_name(JobState state) {
    switch (state) {
        case JobState::queued: return "queued";
        case JobState::running: return "running";
        case JobState::completed: return "completed";
        case JobState::failed: return "failed";
        case JobState::cancelled: return "cancelled";
    }
    __builtin_unreachable();
}

// What becomes of an event that has been read: it goes, or it stays for a reader that comes back.
enum class ReadEvents : std::uint8_t { go, stay };

// What one job has reported, between the engine and a reader, who may be slower. Events are
// numbered from 0; outputs that wait are joined. Thread: io.
template <class Output>
class JobLog {
public:
    JobLog(boost::asio::any_io_executor executor, std::size_t bytes_max, ReadEvents read_events)
        : bytes_max_(bytes_max), read_events_(read_events), arrived_(std::move(executor)) {}

    // False when it is full of events that nobody has read: this one is then lost. Only outputs
    // can be; of other events a job has a handful.
    [[nodiscard]] bool push(Event<Output> event) {
        note(event);
        arrived_.notify();
        if (on_event) on_event();
        if (auto* output = std::get_if<Output>(&event)) {
            make_room(cost(event));
            if (bytes_ + cost(event) > bytes_max_) return false;
            if (join(*output)) return true;
        }
        bytes_ += cost(event);
        events_.push_back(std::move(event));
        // It may replace itself meanwhile.
        if (ended() && on_ended) std::exchange(on_ended, nullptr)();
        return true;
    }

    // The event with this number, if it is there. Requires: `number` is not before `first`.
    std::optional<Event<Output>> read(std::uint64_t number) {
        if (number >= next()) return std::nullopt;
        WORKER_ASSERT(number >= first_);
        read_to_ = std::max(read_to_, number + 1);
        if (read_events_ == ReadEvents::stay) return events_[number - first_];
        Event<Output> event = std::move(events_.front());
        forget_first(cost(event));
        return event;
    }

    // A reader begins at this event: from there on nothing counts as read. Requires: as `read`.
    void begin_at(std::uint64_t number) { read_to_ = number; }

    // Returns when the event with this number is there, or at `deadline`, or for no reason.
    boost::asio::awaitable<void> wait_for(std::uint64_t number, Clock::TimePoint deadline) {
        if (number < next()) co_return;
        co_await arrived_.wait_until(deadline);
    }

    // Numbers of the oldest event that is kept and of the next to come.
    std::uint64_t first() const { return first_; }
    std::uint64_t next() const { return first_ + events_.size(); }
    // How many outputs came before the event with this number. Requires: as `read`.
    std::uint64_t outputs_before(std::uint64_t number) const {
        std::uint64_t outputs = outputs_gone_;
        for (std::uint64_t n = first_; n < std::min(number, next()); ++n)
            if (std::holds_alternative<Output>(events_[n - first_])) ++outputs;
        return outputs;
    }

    JobState state() const { return state_; }
    bool ended() const { return state_ != JobState::queued && state_ != JobState::running; }
    bool has_output() const { return has_output_; }
    // Work that has come out; for text that is tokens.
    std::uint64_t units_out() const { return units_out_; }
    // Why it failed or was cancelled.
    const std::optional<Error>& error() const { return error_; }
    std::size_t bytes() const { return bytes_; }

    std::function<void()> on_event;        // with each push, before the event can be read
    std::function<void()> on_ended;        // once
    std::function<void()> on_reader_left;  // each time

private:
    static std::size_t cost(const Event<Output>& event) {
        const auto* output = std::get_if<Output>(&event);
        return sizeof(event) + (output ? output->bytes() : 0);
    }

    void note(const Event<Output>& event) {
        if (std::holds_alternative<Started>(event)) state_ = JobState::running;
        if (const auto* output = std::get_if<Output>(&event)) {
            has_output_ = true;
            units_out_ += output->units();
        }
        if (std::holds_alternative<Ended>(event)) state_ = JobState::completed;
        if (const auto* failed = std::get_if<Failed>(&event)) {
            state_ =
                failed->error.code == ErrorCode::cancelled ? JobState::cancelled : JobState::failed;
            error_ = failed->error;
        }
    }

    // By what has been read already, the oldest first.
    void make_room(std::size_t bytes) {
        while (bytes_ + bytes > bytes_max_ && first_ < read_to_)
            forget_first(cost(events_.front()));
    }

    void forget_first(std::size_t bytes) {
        bytes_ -= bytes;
        if (std::holds_alternative<Output>(events_.front())) ++outputs_gone_;
        events_.pop_front();
        ++first_;
    }

    bool join(Output& output) {
        if (next() == read_to_ || events_.empty()) return false;
        auto* last = std::get_if<Output>(&events_.back());
        const std::size_t bytes = output.bytes();
        if (last == nullptr || !last->append(output)) return false;
        bytes_ += bytes;
        return true;
    }

    // Constant after construction.
    const std::size_t bytes_max_;
    const ReadEvents read_events_;
    // Thread: io.
    AsyncSignal arrived_;
    std::deque<Event<Output>> events_;
    std::uint64_t first_ = 0;    // number of `events_.front()`
    std::uint64_t read_to_ = 0;  // every event before this number has been read
    std::uint64_t outputs_gone_ = 0;
    std::size_t bytes_ = 0;
    JobState state_ = JobState::queued;
    bool has_output_ = false;
    std::uint64_t units_out_ = 0;
    std::optional<Error> error_;
};

}  // namespace worker

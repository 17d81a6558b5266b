#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace worker {

// The one way into the engine thread: a bounded queue of commands. Any thread sends; one thread
// takes. A closed mailbox refuses what comes and still gives out what it holds.
template <class Command>
class Mailbox {
public:
    explicit Mailbox(std::size_t capacity) : capacity_(capacity) {}

    // False when full or closed; the command is then lost. Thread: any.
    [[nodiscard]] bool send(Command command) {
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || commands_.size() >= capacity_) return false;
            commands_.push_back(std::move(command));
        }
        arrived_.notify_one();
        return true;
    }

    // All that has arrived, oldest first; does not wait. Thread: the taker.
    std::vector<Command> take() {
        const std::lock_guard lock(mutex_);
        return take_locked();
    }

    // Waits until something has arrived or the mailbox is closed. Thread: the taker.
    std::vector<Command> wait_and_take() {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return closed_ || !commands_.empty(); });
        return take_locked();
    }

    // As `wait_and_take`, for `timeout` at most. Thread: the taker.
    std::vector<Command> wait_and_take_for(std::chrono::milliseconds timeout) {
        std::unique_lock lock(mutex_);
        arrived_.wait_for(lock, timeout, [&] { return closed_ || !commands_.empty(); });
        return take_locked();
    }

    // Thread: any.
    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        arrived_.notify_all();
    }

    // Thread: any.
    bool closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

private:
    std::vector<Command> take_locked() {
        std::vector<Command> taken(std::make_move_iterator(commands_.begin()),
                                   std::make_move_iterator(commands_.end()));
        commands_.clear();
        return taken;
    }

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Command> commands_;
    bool closed_ = false;
};

}  // namespace worker

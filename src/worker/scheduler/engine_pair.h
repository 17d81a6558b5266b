#pragma once

#include "worker/scheduler/engine_host.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

namespace worker {

// Two engines of one worker as one: loaded one after the other, drained and stopped together. The
// slots that a worker tells of are the first one's. Thread: io.
class EnginePair final : public EngineControl {
public:
    // `wants_second` is asked when the first is loaded. Requires: both outlive the pair.
    EnginePair(EngineControl& first, EngineControl& second, std::function<bool()> wants_second)
        : first_(first), second_(second), wants_second_(std::move(wants_second)) {}

    void start(Callbacks callbacks) override {
        callbacks_ = std::move(callbacks);
        first_.start({.loaded = [this](Result<void> result) { first_loaded(std::move(result)); },
                      .died = callbacks_.died});
    }
    void begin_drain() override {
        draining_ = true;
        first_.begin_drain();
        second_.begin_drain();
    }
    std::optional<RunningJob> running_job(JobId id) const override {
        return first_.running_job(id);
    }
    boost::asio::awaitable<void> wait_idle(Clock::TimePoint deadline) override {
        co_await first_.wait_idle(deadline);
        co_await second_.wait_idle(deadline);
    }
    void end_all(const Error& error) override {
        first_.end_all(error);
        second_.end_all(error);
    }
    bool stop(std::chrono::milliseconds patience) override {
        const bool first_stopped = first_.stop(patience);
        const bool second_stopped = second_.stop(patience);
        return first_stopped && second_stopped;
    }

private:
    void first_loaded(Result<void> result) {
        if (!result || draining_ || !wants_second_()) return callbacks_.loaded(std::move(result));
        second_.start({.loaded = callbacks_.loaded, .died = callbacks_.died});
    }

    EngineControl& first_;
    EngineControl& second_;
    const std::function<bool()> wants_second_;
    Callbacks callbacks_;
    bool draining_ = false;
};

}  // namespace worker

#pragma once

#include "worker/base/assert.h"
#include "worker/base/mailbox.h"
#include "worker/scheduler/engine_thread.h"
#include "worker/scheduler/job_store.h"
#include "worker/scheduler/running_job.h"
#include "worker/scheduler/scheduler.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace worker {

// What the life of a worker asks of its engine, whatever the modality. Thread: io.
class EngineControl {
public:
    virtual ~EngineControl() = default;

    // On the io thread, once each.
    struct Callbacks {
        std::function<void(Result<void>)> loaded;
        std::function<void()> died;  // Its jobs have ended; it takes no more.
    };

    // Begins to load.
    virtual void start(Callbacks callbacks) = 0;
    // New jobs are refused from now on.
    virtual void begin_drain() = 0;
    // A job by the name that the engine has for it; nothing when it holds no slot.
    virtual std::optional<RunningJob> running_job(JobId id) const = 0;
    // Returns when no job is left, or at `deadline`.
    virtual boost::asio::awaitable<void> wait_idle(Clock::TimePoint deadline) = 0;
    virtual void end_all(const Error& error) = 0;
    // True when the engine thread has ended within `patience`.
    [[nodiscard]] virtual bool stop(std::chrono::milliseconds patience) = 0;
};

// The two halves of running jobs and what joins them: the mailbox one way, one `post` a turn the
// other way.
template <class Input, class Output>
class EngineHost final : public EngineControl {
public:
    struct Parts {
        boost::asio::any_io_executor io;
        InferenceBackend<Input, Output>& backend;
        StatusBoard& board;
        const Clock& clock;
        Metrics& metrics;
        Narrator& narrator;
        std::function<void(const JobTerms&, const Output&)> on_output = {};
    };

    EngineHost(const Parts& parts, const SchedulerLimits& limits, std::uint32_t slots_max)
        : io_(parts.io),
          mailbox_(limits.mailbox_capacity(slots_max)),
          scheduler_(
              io_, limits,
              {mailbox_, parts.board, parts.clock, parts.metrics, parts.narrator, parts.on_output}),
          jobs_(io_, scheduler_, parts.clock, limits),
          thread_(parts.backend, mailbox_, parts.board, parts.clock,
                  {[this](Result<void> result) { post_loaded(std::move(result)); },
                   [this](TurnReport<Output> turn) { post_turn(std::move(turn)); }}) {}

    Scheduler<Input, Output>& scheduler() { return scheduler_; }
    JobStore<Input, Output>& jobs() { return jobs_; }

    void start(Callbacks callbacks) override {
        callbacks_ = std::move(callbacks);
        const auto nothing_throws = [](const std::exception_ptr& failure) {
            WORKER_ASSERT(!failure);
        };
        boost::asio::co_spawn(io_, scheduler_.keep_deadlines(), nothing_throws);
        boost::asio::co_spawn(io_, jobs_.keep_expiring(), nothing_throws);
        thread_.start();
    }
    void begin_drain() override { scheduler_.begin_drain(); }
    std::optional<RunningJob> running_job(JobId id) const override {
        return scheduler_.running_job(id);
    }
    boost::asio::awaitable<void> wait_idle(Clock::TimePoint deadline) override {
        return scheduler_.wait_idle(deadline);
    }
    void end_all(const Error& error) override { scheduler_.end_all(error); }
    bool stop(std::chrono::milliseconds patience) override { return thread_.stop(patience); }

private:
    void post_loaded(Result<void> result) {
        boost::asio::post(io_, [this, result = std::move(result)]() mutable {
            callbacks_.loaded(std::move(result));
        });
    }

    void post_turn(TurnReport<Output> turn) {
        boost::asio::post(io_, [this, turn = std::move(turn)]() mutable {
            const bool died = turn.engine_died;
            scheduler_.deliver(std::move(turn));
            if (died) callbacks_.died();
        });
    }

    boost::asio::any_io_executor io_;
    Callbacks callbacks_;
    Mailbox<Command<Input>> mailbox_;
    Scheduler<Input, Output> scheduler_;
    JobStore<Input, Output> jobs_;
    EngineThread<Input, Output> thread_;
};

}  // namespace worker

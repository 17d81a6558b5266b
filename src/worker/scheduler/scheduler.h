#pragma once

#include "worker/base/assert.h"
#include "worker/base/async_signal.h"
#include "worker/base/clock.h"
#include "worker/base/mailbox.h"
#include "worker/base/result.h"
#include "worker/metrics/metrics.h"
#include "worker/narration/narrator.h"
#include "worker/scheduler/command.h"
#include "worker/scheduler/engine_loop.h"
#include "worker/scheduler/job_log.h"
#include "worker/scheduler/job_terms.h"
#include "worker/scheduler/limits.h"
#include "worker/scheduler/running_job.h"
#include "worker/scheduler/status_board.h"
#include "worker/scheduler/wait_times.h"
#include "worker/scheduler/waiting_jobs.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace worker {

// An admitted job: what it is called in this process, and where it reports.
template <class Output>
struct Submitted {
    JobId id;
    std::shared_ptr<JobLog<Output>> log;
};

// The io thread's half of running jobs: admission at the door, deadlines, cancellation, draining,
// and the way of every event to its reader. Each admitted job gets exactly one terminal event.
// Thread: io.
template <class Input, class Output>
class Scheduler {
public:
    struct Parts {
        Mailbox<Command<Input>>& commands;
        const StatusBoard& board;
        const Clock& clock;
        Metrics& metrics;
        Narrator& narrator;
        // Sees every output, for debugging; usually empty.
        std::function<void(const JobTerms&, const Output&)> on_output = {};
    };

    Scheduler(boost::asio::any_io_executor executor, const SchedulerLimits& limits,
              const Parts& parts)
        : limits_(limits),
          clock_(parts.clock),
          board_(parts.board),
          commands_(parts.commands),
          metrics_(parts.metrics),
          narrator_(parts.narrator),
          on_output_(parts.on_output),
          executor_(executor),
          deadlines_changed_(executor),
          idle_(executor) {}

    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    // Why no job at all would be taken now, which counts as one refused: not_ready (loading,
    // draining), worker_unhealthy or insufficient_resources (too little device memory is free).
    std::optional<Error> refusal() {
        auto error = closed();
        if (error) metrics_.job_refused();
        return error;
    }

    // `read_events`: whether the job is one reader's, or kept for any number of them.
    // Errors: those of `refusal`, all_slots_busy, insufficient_resources (too late by the
    // deadline).
    Result<Submitted<Output>> submit(Input input, JobTerms terms, ReadEvents read_events) {
        if (const auto refusal = refuse(terms)) {
            metrics_.job_refused();
            return fail(*refusal);
        }
        const JobId id{next_id_++};
        const bool stay = read_events == ReadEvents::stay;
        auto log = std::make_shared<JobLog<Output>>(
            executor_, stay ? limits_.kept_bytes : limits_.unread_bytes, read_events);
        deadlines_.emplace(terms.deadline, id);
        deadlines_changed_.notify();
        // Never full: each admitted job sends one Submit and at most one Cancel (limits.h).
        WORKER_ASSERT(commands_.send(Submit<Input>{id, std::move(input), terms.in_queue()}));
        take_on(id, Job{std::move(terms), log, clock_.now()});
        return Submitted<Output>{id, std::move(log)};
    }

    // Ends the job with this error, unless it has ended.
    void cancel(JobId id, Error error) {
        const auto found = jobs_.find(id);
        if (found != jobs_.end() && !found->second.ended) end_here(id, std::move(error));
    }

    // How many jobs start before this one, as far as that is known (`WaitingJobs`); nothing when
    // it has started or ended.
    std::optional<std::size_t> queue_position(JobId id) const { return waiting_.position(id); }

    // Nothing when it does not hold a slot, or holds one no longer than until the next step.
    std::optional<RunningJob> running_job(JobId id) const {
        const auto found = jobs_.find(id);
        if (found == jobs_.end() || !found->second.started || found->second.ended)
            return std::nullopt;
        const Job& job = found->second;
        RunningJob running{.job_id = job.terms.job_id, .started_at = job.started_at};
        if (!job.first_output || clock_.now() <= *job.first_output) return running;
        const std::chrono::duration<double> took = clock_.now() - *job.first_output;
        running.units_per_second = static_cast<double>(job.log->units_out()) / took.count();
        return running;
    }

    // Takes what the engine thread has to say.
    void deliver(TurnReport<Output> turn) {
        for (JobReport<Output>& report : turn.reports) {
            const auto found = jobs_.find(report.id);
            if (found == jobs_.end() || found->second.ended) continue;  // Ended here already.
            deliver_one(found->first, found->second, std::move(report.event));
        }
        for (const JobId id : turn.forgotten) erase(id);
    }

    // Ends the jobs whose deadline has come. Returns when to call again.
    Clock::TimePoint expire() {
        while (!deadlines_.empty() && deadlines_.begin()->first <= clock_.now()) {
            const JobId id = deadlines_.begin()->second;
            end_here(id, {ErrorCode::timeout, "the job's deadline has passed", std::nullopt});
        }
        return deadlines_.empty() ? Clock::TimePoint::max() : deadlines_.begin()->first;
    }

    // Calls `expire` when it is due, for ever.
    boost::asio::awaitable<void> keep_deadlines() {
        for (;;) {
            const Clock::TimePoint next = expire();
            co_await deadlines_changed_.wait_until(next);
        }
    }

    // Nothing new is taken from now on.
    void begin_drain() { draining_ = true; }

    // Ends every job with `error`.
    void end_all(const Error& error) {
        while (!deadlines_.empty()) end_here(deadlines_.begin()->second, error);
    }

    // Returns when no job is left or `deadline` has come.
    boost::asio::awaitable<void> wait_idle(Clock::TimePoint deadline) {
        while (!deadlines_.empty() && clock_.now() < deadline) co_await idle_.wait_until(deadline);
    }

    // Jobs that have not had their terminal event.
    std::size_t jobs_active() const { return deadlines_.size(); }
    // The same and those that the engine has not let go of yet.
    std::size_t jobs_held() const { return jobs_.size(); }

private:
    struct Job {
        JobTerms terms;
        std::shared_ptr<JobLog<Output>> log;
        Clock::TimePoint submitted;
        std::optional<Clock::TimePoint> started = std::nullopt;
        Clock::WallTime started_at{};
        std::optional<Clock::TimePoint> first_output = std::nullopt;
        Clock::TimePoint last_output{};
        bool ended = false;  // Its terminal event is in `log`; the engine is yet to forget it.
    };

    void take_on(JobId id, Job job) {
        const Job& taken = jobs_.emplace(id, std::move(job)).first->second;
        waiting_.add(id, taken.terms.in_queue());
        Narration narration = narration_of(taken, "job_created", "Takes the job into the queue");
        narration.queue_position = waiting_.position(id);
        narrate(taken.terms, std::move(narration));
    }

    std::optional<Error> closed() const {
        const WorkerStatus status = board_.read();
        if (draining_)
            return Error{ErrorCode::not_ready, "the worker is shutting down",
                         std::chrono::seconds(limits_.restart_seconds)};
        if (status.life == LifeState::failed)
            return Error{ErrorCode::worker_unhealthy,
                         status.error ? status.error->message : "the engine has stopped",
                         std::nullopt};
        if (status.life == LifeState::loading)
            return Error{ErrorCode::not_ready, "the model is still loading",
                         WaitTimes::until_loaded(status, clock_.now())};
        if (status.device_memory_short)
            return Error{ErrorCode::insufficient_resources,
                         std::string(device_memory_short_message),
                         std::chrono::seconds(limits_.memory_seconds)};
        return std::nullopt;
    }

    std::optional<Error> refuse(const JobTerms& terms) {
        if (auto error = closed()) return error;
        const WorkerStatus status = board_.read();
        if (jobs_.size() < status.backend.slots_total + limits_.queue_max)
            return refuse_if_late(terms, status);
        narrate(terms, {.action = "queue_full",
                        .target = terms.job_id,
                        .human = "Refuses a job: all slots are busy and the queue is full"});
        return Error{ErrorCode::all_slots_busy,
                     "all slots are busy and the queue is full: try again later",
                     wait_times_.until_start(line(), status)};
    }

    // By measured rates not even the first output would come in time.
    std::optional<Error> refuse_if_late(const JobTerms& terms, const WorkerStatus& status) const {
        const std::chrono::duration<double> left = terms.deadline - clock_.now();
        const double wait = wait_times_.until_first_output(jobs_.size(), terms.units_in, status);
        if (wait <= left.count()) return std::nullopt;
        return Error{ErrorCode::insufficient_resources,
                     "the deadline cannot be met: the first output would come about " +
                         std::to_string(std::lround((wait - left.count()) * 1000)) + " ms too late",
                     WaitTimes::at_least_a_second(wait - left.count())};
    }

    WaitTimes::Line line() const {
        const Clock::TimePoint now = clock_.now();
        const auto held = jobs_.empty() ? Clock::Duration::zero()
                                        : now - jobs_.begin()->second.started.value_or(now);
        return {.waiting = waiting_.size(), .oldest_held = held};
    }

    void deliver_one(JobId id, Job& job, Event<Output> event) {
        if (is_terminal(event)) {
            end(id, job, std::move(event));
            erase(id);
            return;
        }
        if (const auto* reused = std::get_if<Reused>(&event)) {
            tell(job, narrate(job, "prefix_reused",
                              "Goes on from " + std::to_string(reused->units) +
                                  " tokens computed before"));
            return;
        }
        note_times(job, event);
        if (const auto* output = std::get_if<Output>(&event); output && on_output_)
            on_output_(job.terms, *output);
        const bool started = std::holds_alternative<Started>(event);
        if (started) {
            waiting_.remove(id);
            std::get<Started>(event).at = job.started_at = clock_.wall_now();
        }
        if (!job.log->push(std::move(event))) {
            end_here(id, {ErrorCode::cancelled, "the client reads too slowly", std::nullopt});
        } else if (started) {
            tell(job, narrate(job, "inference_start", "Starts to work on the job"));
        }
    }

    void note_times(Job& job, const Event<Output>& event) {
        const Clock::TimePoint now = clock_.now();
        if (std::holds_alternative<Started>(event)) job.started = now;
        if (!std::holds_alternative<Output>(event)) return;
        if (job.first_output) metrics_.output_gap(now - job.last_output);
        if (!job.first_output) job.first_output = now;
        job.last_output = now;
    }

    // Ends a job that the engine still has, and tells the engine.
    void end_here(JobId id, Error error) {
        end(id, jobs_.at(id), Failed{std::move(error)});
        WORKER_ASSERT(commands_.closed() || commands_.send(Cancel{id}));
    }

    void end(JobId id, Job& job, Event<Output> terminal) {
        WORKER_ASSERT(!job.ended);
        job.ended = true;
        waiting_.remove(id);
        deadlines_.erase({job.terms.deadline, id});
        if (job.started) wait_times_.slot_freed(clock_.now() - *job.started);
        if (const auto* ended = std::get_if<Ended>(&terminal)) {
            completed(job, *ended);
        } else {
            failed(job, std::get<Failed>(terminal).error);
        }
        WORKER_ASSERT(job.log->push(std::move(terminal)));
        if (deadlines_.empty()) idle_.notify();
    }

    void erase(JobId id) { jobs_.erase(id); }

    void completed(const Job& job, const Ended& ended) {
        JobFigures figures = figures_of(job);
        figures.outcome = ended.stop_reason == StopReason::max_tokens ? JobOutcome::length_reached
                                                                      : JobOutcome::stopped;
        figures.tokens_in = ended.tokens_in;
        figures.tokens_cached = ended.tokens_cached;
        figures.tokens_out = ended.tokens_out;
        metrics_.job_ended(figures);

        Narration narration = narration_of(job, "inference_complete", "Completes the job");
        narration.duration = since(job.submitted);
        narration.tokens_in = ended.tokens_in;
        narration.tokens_out = ended.tokens_out;
        narration.decode_time = ended.decode_time;
        tell(job, narrate(job.terms, std::move(narration)));
    }

    void failed(const Job& job, const Error& error) {
        JobFigures figures = figures_of(job);
        figures.outcome = error.code == ErrorCode::cancelled ? JobOutcome::cancelled
                          : error.code == ErrorCode::timeout ? JobOutcome::timed_out
                                                             : JobOutcome::failed;
        // What was computed and told counts, whatever came of it.
        figures.tokens_in = job.first_output ? job.terms.units_in : 0;
        figures.tokens_out = job.log->units_out();
        metrics_.job_ended(figures);

        Narration narration =
            error.code == ErrorCode::cancelled
                ? narration_of(job, "cancelled", "Gives the job up: " + error.message)
            : error.code == ErrorCode::timeout
                ? narration_of(job, "deadline_expired", "Gives the job up: its time is over")
                : narration_of(job, "error", "Fails the job: " + error.message);
        narration.error_kind = traits(error.code).wire_name;
        narration.duration = since(job.submitted);
        tell(job, narrate(job.terms, std::move(narration)));
    }

    JobFigures figures_of(const Job& job) const {
        const Clock::TimePoint now = clock_.now();
        JobFigures figures;
        figures.total = now - job.submitted;
        figures.queued = job.started.value_or(now) - job.submitted;
        if (job.first_output) figures.first_output = *job.first_output - job.submitted;
        return figures;
    }

    std::chrono::milliseconds since(Clock::TimePoint begin) const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - begin);
    }

    static Narration narration_of(const Job& job, std::string action, std::string human) {
        return {.action = std::move(action), .target = job.terms.job_id, .human = std::move(human)};
    }

    Narration narrate(const Job& job, std::string action, std::string human) {
        return narrate(job.terms, narration_of(job, std::move(action), std::move(human)));
    }

    Narration narrate(const JobTerms& terms, Narration narration) {
        narration.job_id = terms.job_id;
        narration.correlation_id = terms.correlation_id;
        return narrator_.narrate(std::move(narration));
    }

    // For the job's own reader too, unless nothing has started that it could read of.
    static void tell(const Job& job, const Narration& narration) {
        if (job.started)
            static_cast<void>(job.log->push(std::make_shared<const Narration>(narration)));
    }

    // Constant after construction.
    const SchedulerLimits limits_;
    const Clock& clock_;
    // Synchronise themselves.
    const StatusBoard& board_;
    Mailbox<Command<Input>>& commands_;
    Metrics& metrics_;
    Narrator& narrator_;
    // Thread: io.
    const std::function<void(const JobTerms&, const Output&)> on_output_;
    boost::asio::any_io_executor executor_;
    AsyncSignal deadlines_changed_;
    AsyncSignal idle_;
    std::map<JobId, Job> jobs_;
    std::set<std::pair<Clock::TimePoint, JobId>> deadlines_;  // of jobs that have not ended
    std::uint64_t next_id_ = 1;
    bool draining_ = false;
    WaitingJobs waiting_;
    WaitTimes wait_times_;
};

}  // namespace worker

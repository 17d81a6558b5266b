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
#include "worker/scheduler/limits.h"
#include "worker/scheduler/status_board.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <algorithm>
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

// What a job is beside its input, whatever the modality.
struct JobTerms {
    std::string job_id = {};  // as callers know it
    std::string correlation_id = {};
    std::string caller = {};  // with whom it shares what there is, in fairness to others
    std::string owner = {};   // who may read and cancel it; empty: whoever calls without a token
    int priority = 0;
    Clock::TimePoint deadline = Clock::TimePoint::max();
    std::uint32_t units_in = 0;  // work before the first output; for text that is prompt tokens
};

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

    // Why no job at all would be taken now: not_ready (loading, draining) or worker_unhealthy.
    std::optional<Error> refusal() const {
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
                         load_time_left(status)};
        return std::nullopt;
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
        WORKER_ASSERT(commands_.send(Submit<Input>{
            id, std::move(input), {terms.priority, terms.caller, terms.deadline, terms.units_in}}));
        Job& job = jobs_.emplace(id, Job{std::move(terms), log, clock_.now()}).first->second;
        narrate(job, "job_created", "Takes the job into the queue");
        return Submitted<Output>{id, std::move(log)};
    }

    // Ends the job with this error, unless it has ended.
    void cancel(JobId id, Error error) {
        const auto found = jobs_.find(id);
        if (found != jobs_.end() && !found->second.ended) end_here(id, std::move(error));
    }

    // How many jobs will start before this one by priority and age, which fairness between callers
    // may change; nothing when it has started or ended.
    std::optional<std::uint32_t> queue_position(JobId id) const {
        const auto found = jobs_.find(id);
        if (found == jobs_.end() || !found->second.waits()) return std::nullopt;
        const int priority = found->second.terms.priority;
        std::uint32_t ahead = 0;
        for (const auto& [other_id, other] : jobs_)
            if (other.waits() && (other.terms.priority > priority ||
                                  (other.terms.priority == priority && other_id < id)))
                ++ahead;
        return ahead;
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
        std::optional<Clock::TimePoint> first_output = std::nullopt;
        Clock::TimePoint last_output{};
        bool ended = false;  // Its terminal event is in `log`; the engine is yet to forget it.

        bool waits() const { return !started && !ended; }
    };

    std::optional<Error> refuse(const JobTerms& terms) {
        if (auto error = refusal()) return error;
        const WorkerStatus status = board_.read();
        if (jobs_.size() < status.backend.slots_total + limits_.queue_max)
            return refuse_if_late(terms, status);
        narrate(terms, {.actor = actor,
                        .action = "queue_full",
                        .target = terms.job_id,
                        .human = "Refuses a job: all slots are busy and the queue is full"});
        return Error{ErrorCode::all_slots_busy,
                     "all slots are busy and the queue is full: try again later",
                     queue_time(status)};
    }

    // By measured rates not even the first output would come in time.
    std::optional<Error> refuse_if_late(const JobTerms& terms, const WorkerStatus& status) const {
        const std::chrono::duration<double> left = terms.deadline - clock_.now();
        const double wait = first_output_seconds(terms, status);
        if (wait <= left.count()) return std::nullopt;
        return Error{ErrorCode::insufficient_resources,
                     "the deadline cannot be met: the first output would come about " +
                         std::to_string(std::lround((wait - left.count()) * 1000)) + " ms too late",
                     at_least_a_second(wait - left.count())};
    }

    // What jobs ahead leave of the slots, and the work before the first output. Errs on the short
    // side: what has not been measured yet counts as nothing.
    double first_output_seconds(const JobTerms& terms, const WorkerStatus& status) const {
        const double slots = std::max(1u, status.backend.slots_total);
        const double ahead = std::max(0.0, static_cast<double>(jobs_.size()) - slots);
        const double rate = status.backend.units_in_per_second;
        return job_seconds_ * ahead / slots + (rate > 0 ? terms.units_in / rate : 0);
    }

    // As long again as what is left by the progress so far.
    std::chrono::seconds load_time_left(const WorkerStatus& status) const {
        const double done = std::clamp(status.progress.fraction, 0.05, 1.0);
        const std::chrono::duration<double> spent = clock_.now() - status.loading_since;
        return at_least_a_second(spent.count() * (1 - done) / done);
    }

    // When a slot is likely to be free for one more, from how long jobs have held theirs.
    std::chrono::seconds queue_time(const WorkerStatus& status) const {
        const double slots = std::max(1u, status.backend.slots_total);
        return at_least_a_second(job_seconds_ * (status.jobs_queued + 1) / slots);
    }

    static std::chrono::seconds at_least_a_second(double seconds) {
        return std::chrono::seconds(std::clamp<long>(std::lround(std::ceil(seconds)), 1, 3600));
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
        if (started) std::get<Started>(event).at = clock_.wall_now();
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
        deadlines_.erase({job.terms.deadline, id});
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
        const Clock::TimePoint now = clock_.now();
        const std::chrono::duration<double> held = now - job.started.value_or(now);
        job_seconds_ += (held.count() - job_seconds_) * (job_seconds_ == 0 ? 1 : 0.1);

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
        return {.actor = actor,
                .action = std::move(action),
                .target = job.terms.job_id,
                .human = std::move(human)};
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

    static constexpr const char* actor = "llm-worker-rbee";

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
    double job_seconds_ = 0;  // how long jobs hold a slot, lately
};

}  // namespace worker

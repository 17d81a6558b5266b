#pragma once

#include "worker/base/clock.h"
#include "worker/base/mailbox.h"
#include "worker/base/rate.h"
#include "worker/engine/backend.h"
#include "worker/scheduler/command.h"
#include "worker/scheduler/job_queue.h"
#include "worker/scheduler/status_board.h"

#include <exception>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace worker {

// What the engine thread tells the io thread after one turn.
template <class Output>
struct TurnReport {
    Reports<Output> reports;
    std::vector<JobId> forgotten;  // One for each Cancel: nothing more comes of that job.
    bool engine_died = false;      // Once: it takes no more work.
};

// The engine thread's life: take commands, start what fits, compute a step, report. A step that
// fails, or throws, ends the jobs that were in it and no others; after three in a row the engine
// counts as dead. Thread: the engine thread.
template <class Input, class Output>
class EngineLoop {
public:
    using Backend = InferenceBackend<Input, Output>;
    using Deliver = std::function<void(TurnReport<Output>)>;

    EngineLoop(Backend& backend, Mailbox<Command<Input>>& commands, StatusBoard& board,
               const Clock& clock, Deliver deliver)
        : clock_(clock),
          commands_(commands),
          board_(board),
          deliver_(std::move(deliver)),
          backend_(backend) {}

    // Returns when the mailbox is closed, whatever still runs.
    void run() {
        while (!commands_.closed()) turn(has_work() ? commands_.take() : commands_.wait_and_take());
    }

    // One turn; also what tests drive.
    void turn(std::vector<Command<Input>> commands) {
        TurnReport<Output> report;
        const bool was_idle = !has_work();
        for (Command<Input>& command : commands) take(std::move(command), report);
        if (was_idle) idle_until_ = clock_.now();
        start_queued(report.reports);
        // Before the step too where there is something new, so that one which never ends is seen as
        // work.
        if (!commands.empty() || !report.reports.empty()) publish();
        if (!running_.empty()) step(report.reports);
        publish();
        report.engine_died = std::exchange(died_, false);
        if (!report.reports.empty() || !report.forgotten.empty()) deliver_(std::move(report));
    }

    bool has_work() const { return !queue_.empty() || !running_.empty(); }

private:
    void take(Command<Input> command, TurnReport<Output>& report) {
        if (auto* submit = std::get_if<Submit<Input>>(&command)) {
            queue_.push(submit->terms, {submit->id, std::move(submit->input)});
            return;
        }
        const JobId id = std::get<Cancel>(command).id;
        if (!queue_.remove(id) && running_.contains(id)) {
            over(id);
            backend_.cancel(id);
        }
        report.forgotten.push_back(id);
    }

    // Stops at the first job that does not fit: a small job never overtakes a large one for ever.
    void start_queued(Reports<Output>& reports) {
        while (!queue_.empty()) {
            QueuedJob& job = queue_.front();
            const JobId id = job.id;
            const Result<std::optional<Started>> started = start(job);
            if (!started) {
                reports.push_back({id, Failed{started.error()}});
                queue_.remove(id);
            } else if (*started) {
                reports.push_back({id, **started});
                queue_.take();
                running_.insert(id);
            } else {
                return;
            }
        }
    }

    // A job that has started runs no more.
    void over(JobId id) {
        running_.erase(id);
        queue_.ended(id);
    }

    struct QueuedJob {
        JobId id;
        Input input;
    };

    Result<std::optional<Started>> start(QueuedJob& job) {
        try {
            return backend_.start(job.id, job.input);
        } catch (const std::exception& e) {
            backend_.cancel(job.id);
            return fail(ErrorCode::internal, std::string("starting the job: ") + e.what());
        }
    }

    void step(Reports<Output>& reports) {
        const Clock::TimePoint began = clock_.now();
        const std::size_t first = reports.size();
        const Result<void> stepped = step_backend(reports);
        const Clock::TimePoint ended = clock_.now();
        last_step_took_ = ended - began;
        last_step_ended_ = ended;
        if (!stepped) {
            fail_running(stepped.error(), reports);
            return;
        }
        failures_in_a_row_ = 0;
        std::uint32_t units = 0;
        for (std::size_t i = first; i < reports.size(); ++i) {
            if (const auto* output = std::get_if<Output>(&reports[i].event)) {
                units += output->units();
                queue_.served(reports[i].id, output->units());
            }
            if (is_terminal(reports[i].event)) forget(reports[i]);
        }
        rate_.add(units, last_step_took_);
    }

    Result<void> step_backend(Reports<Output>& reports) {
        try {
            return backend_.step(reports);
        } catch (const std::exception& e) {
            return fail(ErrorCode::inference_failed, e.what());
        }
    }

    void forget(const JobReport<Output>& report) {
        over(report.id);
        const auto* failed = std::get_if<Failed>(&report.event);
        lacked_memory_ = failed != nullptr && failed->error.code == ErrorCode::vram_oom;
    }

    void fail_running(const Error& error, Reports<Output>& reports) {
        lacked_memory_ = error.code == ErrorCode::vram_oom;
        // What the failed step had already said of these jobs stays said; who has ended is over.
        for (const JobReport<Output>& report : reports)
            if (is_terminal(report.event)) over(report.id);
        for (const JobId id : std::set<JobId>(running_)) {
            over(id);
            backend_.cancel(id);
            reports.push_back({id, Failed{error}});
        }
        if (++failures_in_a_row_ < failures_in_a_row_max) return;
        died_ = true;
        board_.update([&](WorkerStatus& status) {
            status.life = LifeState::failed;
            status.error = error;
        });
        while (!queue_.empty()) {
            const JobId id = queue_.front().id;
            queue_.remove(id);
            reports.push_back(
                {id, Failed{{ErrorCode::worker_unhealthy, "the engine failed three times in a row",
                             std::nullopt}}});
        }
    }

    void publish() {
        BackendStatus backend = backend_.status();
        board_.update([&](WorkerStatus& status) {
            std::swap(status.backend, backend);  // The old one ends outside of the lock.
            status.jobs_queued = static_cast<std::uint32_t>(queue_.size());
            status.jobs_running = static_cast<std::uint32_t>(running_.size());
            status.tokens_per_second = rate_.per_second();
            status.last_step_ended = std::max(last_step_ended_, idle_until_);
            status.last_step_took = last_step_took_;
            status.last_job_lacked_memory = lacked_memory_;
        });
    }

    static constexpr int failures_in_a_row_max = 3;

    const Clock& clock_;
    Mailbox<Command<Input>>& commands_;
    StatusBoard& board_;
    const Deliver deliver_;
    Backend& backend_;
    JobQueue<QueuedJob> queue_;
    std::set<JobId> running_;
    Rate rate_;
    Clock::TimePoint idle_until_{};
    Clock::TimePoint last_step_ended_{};
    Clock::Duration last_step_took_{};
    int failures_in_a_row_ = 0;
    bool died_ = false;
    bool lacked_memory_ = false;
};

}  // namespace worker

#pragma once

#include "worker/base/assert.h"
#include "worker/base/async_signal.h"
#include "worker/base/clock.h"
#include "worker/base/result.h"
#include "worker/scheduler/job_log.h"
#include "worker/scheduler/job_stream.h"
#include "worker/scheduler/limits.h"
#include "worker/scheduler/scheduler.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace worker {

// A job as a caller asks for it: to anybody but its owner it does not exist.
struct JobKey {
    std::string job_id;
    std::string owner;
};

// What is known of a job at this moment.
struct JobView {
    JobState state = JobState::queued;
    std::optional<std::size_t> queue_position;  // jobs that start before it
    std::uint64_t units_out = 0;
    std::optional<Error> error;
};

// The jobs of this worker by their names: those that run, and for a while those that have ended.
// A job is either one call's, whose stream owns it, or kept for later calls to read. Thread: io.
template <class Input, class Output>
class JobStore {
public:
    using Log = JobLog<Output>;

    JobStore(boost::asio::any_io_executor executor, Scheduler<Input, Output>& scheduler,
             const Clock& clock, const SchedulerLimits& limits)
        : limits_(limits), clock_(clock), scheduler_(scheduler), changed_(std::move(executor)) {}

    ~JobStore() {
        for (auto& [name, job] : jobs_) job->log->on_ended = job->log->on_reader_left = nullptr;
    }
    JobStore(const JobStore&) = delete;
    JobStore& operator=(const JobStore&) = delete;

    // Dropping the stream cancels the job. Errors: `Scheduler::submit`'s, conflict.
    Result<JobStream<Output>> submit_owned(Input input, JobTerms terms) {
        const auto job = submit(std::move(input), std::move(terms), ReadEvents::go);
        if (!job) return fail(job.error());
        (*job)->read = true;
        return JobStream<Output>((*job)->log);
    }

    // The job goes on without readers, for a while. Errors: as `submit_owned`.
    Result<void> submit_kept(Input input, JobTerms terms) {
        const auto job = submit(std::move(input), std::move(terms), ReadEvents::stay);
        if (!job) return fail(job.error());
        wait_for_reader(**job);
        return {};
    }

    // Reads a job from its event `from` on. Errors: not_found (also when that event is not kept any
    // more), conflict (somebody reads it), invalid_request (there is no such event).
    Result<JobStream<Output>> open(const JobKey& key, std::uint64_t from) {
        const std::shared_ptr<Job> job = find_job(key);
        if (!job) return fail(ErrorCode::not_found, "there is no job with this id");
        if (job->read) return fail(ErrorCode::conflict, "somebody reads this job already");
        if (from > job->log->next())
            return fail(ErrorCode::invalid_request, "the job has no event with this number");
        if (from < job->log->first())
            return fail(ErrorCode::not_found, "events before number " +
                                                  std::to_string(job->log->first()) +
                                                  " are not kept any more");
        job->read = true;
        job->log->begin_at(from);
        return JobStream<Output>(job->log, from);
    }

    std::optional<JobView> find(const JobKey& key) const {
        const std::shared_ptr<Job> job = find_job(key);
        if (!job) return std::nullopt;
        return JobView{.state = job->log->state(),
                       .queue_position = scheduler_.queue_position(job->id),
                       .units_out = job->log->units_out(),
                       .error = job->log->error()};
    }

    // False when there is no such job that still runs or waits.
    bool cancel(const JobKey& key) {
        const std::shared_ptr<Job> job = find_job(key);
        if (!job || job->log->ended()) return false;
        scheduler_.cancel(job->id, {ErrorCode::cancelled, "the job was cancelled", std::nullopt});
        return true;
    }

    // Cancels what nobody reads and forgets what has ended long ago. Returns when to call again.
    Clock::TimePoint expire() {
        const Clock::TimePoint now = clock_.now();
        while (!finished_.empty() && finished_.front()->due <= now) forget_oldest();
        Clock::TimePoint next =
            finished_.empty() ? Clock::TimePoint::max() : finished_.front()->due;
        for (const std::shared_ptr<Job>& job : unread()) {
            if (job->due > now) {
                next = std::min(next, job->due);
                continue;
            }
            scheduler_.cancel(
                job->id, {ErrorCode::cancelled, "nobody reads the job's stream", std::nullopt});
        }
        return next_due_ = next;
    }

    // Calls `expire` when it is due, for ever.
    boost::asio::awaitable<void> keep_expiring() {
        for (;;) {
            const Clock::TimePoint next = expire();
            co_await changed_.wait_until(next);
        }
    }

    // Jobs that can be asked for by name.
    std::size_t size() const { return jobs_.size(); }

private:
    struct Job {
        std::string name;
        std::string owner;
        JobId id = {};
        std::shared_ptr<Log> log = {};
        bool kept = false;
        bool read = false;       // somebody reads it now
        Clock::TimePoint due{};  // when it is cancelled for want of a reader, or forgotten
    };

    Result<std::shared_ptr<Job>> submit(Input input, JobTerms terms, ReadEvents read_events) {
        const auto known = jobs_.find(terms.job_id);
        if (known != jobs_.end() && !known->second->log->ended())
            return fail(ErrorCode::conflict, "a job with this job_id is active");
        auto job = std::make_shared<Job>(Job{.name = terms.job_id, .owner = terms.owner});
        const auto submitted = scheduler_.submit(std::move(input), std::move(terms), read_events);
        if (!submitted) return fail(submitted.error());
        if (known != jobs_.end()) forget(known->second);
        job->id = submitted->id;
        job->log = submitted->log;
        job->kept = read_events == ReadEvents::stay;
        // By raw pointer: the log is the job's own.
        job->log->on_ended = [this, raw = job.get()] { job_ended(*raw); };
        job->log->on_reader_left = [this, raw = job.get()] { reader_left(*raw); };
        jobs_.emplace(job->name, job);
        return job;
    }

    std::shared_ptr<Job> find_job(const JobKey& key) const {
        const auto found = jobs_.find(key.job_id);
        if (found == jobs_.end() || found->second->owner != key.owner) return nullptr;
        return found->second;
    }

    void job_ended(Job& job) {
        const std::shared_ptr<Job> held = jobs_.at(job.name);
        if (!job.kept) return forget(held);
        finished_.push_back(held);
        finished_bytes_ += job.log->bytes();
        job.due = clock_.now() + limits_.finished_kept;
        while (finished_.size() > limits_.finished_max || finished_bytes_ > limits_.finished_bytes)
            forget_oldest();
        wake_for(job.due);
    }

    void reader_left(Job& job) {
        job.read = false;
        if (job.log->ended()) return;
        if (job.kept) return wait_for_reader(job);
        scheduler_.cancel(job.id, {ErrorCode::cancelled, "the client has left", std::nullopt});
    }

    void wait_for_reader(Job& job) {
        job.due = clock_.now() + limits_.unread_kept;
        wake_for(job.due);
    }

    void wake_for(Clock::TimePoint due) {
        if (due < next_due_) changed_.notify();
    }

    std::vector<std::shared_ptr<Job>> unread() const {
        std::vector<std::shared_ptr<Job>> found;
        for (const auto& [name, job] : jobs_)
            if (job->kept && !job->read && !job->log->ended()) found.push_back(job);
        return found;
    }

    void forget_oldest() { forget(finished_.front()); }

    // A reader at its stream keeps the log, and nothing of us.
    void forget(std::shared_ptr<Job> job) {
        job->log->on_ended = job->log->on_reader_left = nullptr;
        if (const auto at = std::find(finished_.begin(), finished_.end(), job);
            at != finished_.end()) {
            finished_bytes_ -= job->log->bytes();
            finished_.erase(at);
        }
        jobs_.erase(job->name);
    }

    // Constant after construction.
    const SchedulerLimits limits_;
    const Clock& clock_;
    // Thread: io.
    Scheduler<Input, Output>& scheduler_;
    AsyncSignal changed_;
    std::unordered_map<std::string, std::shared_ptr<Job>> jobs_;
    std::deque<std::shared_ptr<Job>> finished_;  // of `jobs_`, the oldest first
    std::size_t finished_bytes_ = 0;
    Clock::TimePoint next_due_ = Clock::TimePoint::max();
};

}  // namespace worker

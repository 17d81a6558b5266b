// How a job's events become the reply to one request, for any modality.
#pragma once

#include "worker/base/clock.h"
#include "worker/contract/event_frames.h"
#include "worker/http/event_writer.h"
#include "worker/http/message.h"
#include "worker/http/router.h"
#include "worker/scheduler/job_stream.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace worker {

// The status line waits this long for a job that may still fail; then it is 200 and errors are in
// the stream. Source: wire contract, 4.4.
inline constexpr std::chrono::seconds status_line_patience{10};
// More is written once these are: a job that said much is no long work in one go.
inline constexpr std::size_t frames_bytes_enough = 64 << 10;
// Between events that are far apart, for clients that have asked for a stream by its name: others
// may not expect comments. Source: wire contract, 4.4.
inline constexpr std::chrono::seconds keep_alive_interval{15};

// Writes an output as frames, one or more; they are the modality's own.
template <class Output>
using OutputFrame = std::string (*)(const Output& output, std::uint64_t index);

// What follows the last frame: always the same, or what became of the job.
enum class EndMarker : std::uint8_t { done, outcome };

// `id:` lines, so that a lost stream can be resumed.
enum class EventNumbers : std::uint8_t { hidden, shown };

// What a stream needs to know of the request it answers.
template <class Output>
struct StreamReply {
    ReplyWriter& reply;
    const Clock& clock;
    EventWriter writer;
    OutputFrame<Output> output_frame;
    std::optional<Clock::Duration> keep_alive = {};  // a comment so long after the last event
    EndMarker end_marker = EndMarker::done;
    EventNumbers numbers = EventNumbers::hidden;
};

// Turns a job's events into frames, one after the other.
template <class Output>
class JobFrames {
public:
    // Requires: nothing has been taken from `job`, and it outlives this.
    JobFrames(JobStream<Output>& job, StreamReply<Output>& stream)
        : job_(job), stream_(stream), outputs_(job.outputs_before()) {}

    // The frames of the event that has just been taken from the job.
    std::string of(const Event<Output>& event) {
        std::string frames;
        if (const auto* output = std::get_if<Output>(&event)) {
            frames = numbered(stream_.output_frame(*output, outputs_++)) +
                     stream_.writer.metrics_if_due(output->units());
        } else if (const auto* ended = std::get_if<Ended>(&event)) {
            frames = stream_.writer.metrics_of(*ended) + numbered(stream_.writer.frame(*ended));
        } else if (const auto* failed = std::get_if<Failed>(&event)) {
            frames = numbered(stream_.writer.frame(*failed));
        } else if (const auto* started = std::get_if<Started>(&event)) {
            frames = numbered(stream_.writer.frame(*started));
        } else {
            frames = numbered(stream_.writer.frame(std::get<Narrated>(event)));
        }
        return frames;
    }

    // Those of the events that are there by now, as many as are written at a time, and the end
    // marker behind the last.
    std::string of_ready() {
        std::string frames;
        while (frames.size() < frames_bytes_enough) {
            const auto event = job_.try_next();
            if (!event) break;
            frames += of(*event);
        }
        if (!job_.at_end()) return frames;
        ended_ = true;
        return frames + marker();
    }

    // The end marker is among the frames so far.
    bool ended() const { return ended_; }

private:
    // The number stands at an event's last frame: who has not got that is sent all of it again.
    std::string numbered(std::string frames) const {
        if (stream_.numbers == EventNumbers::hidden || frames.empty()) return frames;
        const std::size_t before = frames.rfind("\n\n", frames.size() - 3);
        const std::size_t last = before == std::string::npos ? 0 : before + 2;
        return frames.insert(last, "id: " + std::to_string(job_.position() - 1) + "\n");
    }

    std::string marker() const {
        const std::optional<Error>& error = job_.error();
        if (stream_.end_marker == EndMarker::done || !error) return std::string(done_marker);
        if (error->code == ErrorCode::cancelled) return std::string(cancelled_marker);
        return error_marker(wire_message(*error));
    }

    JobStream<Output>& job_;
    StreamReply<Output>& stream_;
    std::uint64_t outputs_;
    bool ended_ = false;
};

// Streams the job's events from where `job` stands, as server-sent events.
template <class Output>
boost::asio::awaitable<void> stream_events(JobStream<Output> job, StreamReply<Output> stream) {
    JobFrames<Output> events(job, stream);
    const bool begun = co_await stream.reply.begin_stream({});
    if (!begun) co_return;
    std::string frames;
    for (;;) {
        frames += events.of_ready();
        if (!frames.empty()) {
            const bool written = co_await stream.reply.write(std::exchange(frames, ""));
            if (!written || events.ended()) co_return;  // Dropping `job` says that we have left.
        }
        const Clock::TimePoint silent_until =
            stream.keep_alive ? stream.clock.now() + *stream.keep_alive : Clock::TimePoint::max();
        co_await job.wait(silent_until);
        if (stream.clock.now() >= silent_until) frames = ": keep-alive\n\n";
    }
}

// The same for the call that made the job: one that fails before its first output gets an ordinary
// error reply, if that happens soon.
template <class Output>
boost::asio::awaitable<void> stream_job(JobStream<Output> job, StreamReply<Output> stream) {
    const Clock::TimePoint patience_ends = stream.clock.now() + status_line_patience;
    while (job.undecided() && stream.clock.now() < patience_ends)
        co_await job.wait_for_more(patience_ends);
    if (const std::optional<Error> error = job.failed_without_output()) {
        stream.reply.send(error_response(*error));
        co_return;
    }
    co_await stream_events(std::move(job), std::move(stream));
}

// A job that has completed, beside its outputs.
struct CompletedJob {
    std::uint64_t seed = 0;
    Ended ended;
};

// What a job says as one reply; it is the modality's own. Thread: io.
template <class Output>
class WholeReply {
public:
    virtual ~WholeReply() = default;

    virtual void take(Output output) = 0;
    // Requires: called once, when the job has completed.
    virtual std::string body(const CompletedJob& completed) = 0;
};

// Waits for the job's end and gives the body of `whole`. Errors: the job's own.
template <class Output>
boost::asio::awaitable<Result<std::string>> complete_job(JobStream<Output> job,
                                                         WholeReply<Output>& whole) {
    CompletedJob completed;
    for (;;) {
        auto event = co_await job.next(Clock::TimePoint::max());
        if (!event) continue;
        if (auto* failed = std::get_if<Failed>(&*event)) co_return fail(std::move(failed->error));
        if (const auto* started = std::get_if<Started>(&*event)) completed.seed = started->seed;
        if (auto* output = std::get_if<Output>(&*event)) whole.take(std::move(*output));
        if (auto* ended = std::get_if<Ended>(&*event)) {
            completed.ended = std::move(*ended);
            co_return whole.body(completed);
        }
    }
}

}  // namespace worker

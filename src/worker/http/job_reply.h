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
inline constexpr std::chrono::seconds keep_alive_interval{15};

// Writes the frame of one output; it is the modality's own.
template <class Output>
using OutputFrame = std::string (*)(const Output& output, std::uint64_t index);

// What a stream needs to know of the request it answers.
template <class Output>
struct StreamReply {
    ReplyWriter& reply;
    const Clock& clock;
    EventWriter writer;
    OutputFrame<Output> output_frame;
    bool keep_alive = false;  // comments between events that are far apart
    std::uint64_t outputs = 0;

    std::string frames(const Event<Output>& event) {
        if (const auto* output = std::get_if<Output>(&event))
            return output_frame(*output, outputs++) + writer.metrics_if_due(output->units());
        return std::visit(
            [&](const auto& other) -> std::string {
                if constexpr (std::is_same_v<std::decay_t<decltype(other)>, Output>)
                    return "";
                else
                    return writer.frame(other);
            },
            event);
    }
};

// Every frame that is ready by now, in one string.
template <class Output>
bool take_ready(JobStream<Output>& job, StreamReply<Output>& stream, std::string& frames) {
    while (const auto event = job.try_next()) {
        frames += stream.frames(*event);
        if (is_terminal(*event)) return true;
    }
    return false;
}

// Streams the job's events as server-sent events. A job that fails before its first output gets
// an ordinary error reply, if that happens soon.
template <class Output>
boost::asio::awaitable<void> stream_job(JobStream<Output> job, StreamReply<Output> stream) {
    const Clock::TimePoint patience_ends = stream.clock.now() + status_line_patience;
    std::string frames;
    bool ended = false;
    bool output_seen = false;
    while (!output_seen && !ended && stream.clock.now() < patience_ends) {
        const auto event = co_await job.next(patience_ends);
        if (!event) continue;
        if (const auto* failed = std::get_if<Failed>(&*event)) {
            stream.reply.send(error_response(failed->error));
            co_return;
        }
        frames += stream.frames(*event);
        output_seen = std::holds_alternative<Output>(*event);
        ended = is_terminal(*event);
    }
    const bool begun = co_await stream.reply.begin_stream({});
    if (!begun) co_return;
    for (;;) {
        if (!ended) ended = take_ready(job, stream, frames);
        if (ended) frames += done_marker;
        if (!frames.empty()) {
            const bool written = co_await stream.reply.write(std::exchange(frames, ""));
            if (!written || ended) co_return;  // The client left; dropping `job` cancels it.
        }
        const Clock::TimePoint next_keep_alive = stream.clock.now() + keep_alive_interval;
        const auto event = co_await job.next(next_keep_alive);
        if (event) {
            frames = stream.frames(*event);
            ended = is_terminal(*event);
        } else if (stream.keep_alive && stream.clock.now() >= next_keep_alive) {
            frames = ": keep-alive\n\n";
        }
    }
}

// A job that has completed, its outputs joined.
template <class Output>
struct CompletedJob {
    std::uint64_t seed = 0;
    Output output;
    Ended ended;
};

// Waits for the job's end. Errors: the job's own.
template <class Output>
boost::asio::awaitable<Result<CompletedJob<Output>>> complete_job(JobStream<Output> job) {
    CompletedJob<Output> completed;
    for (;;) {
        auto event = co_await job.next(Clock::TimePoint::max());
        if (!event) continue;
        if (auto* failed = std::get_if<Failed>(&*event)) co_return fail(std::move(failed->error));
        if (const auto* started = std::get_if<Started>(&*event)) completed.seed = started->seed;
        if (auto* output = std::get_if<Output>(&*event)) completed.output.append(*output);
        if (auto* ended = std::get_if<Ended>(&*event)) {
            completed.ended = std::move(*ended);
            co_return completed;
        }
    }
}

}  // namespace worker

#include "llm/api/completions/answer.h"

#include "worker/contract/event_frames.h"
#include "worker/http/job_reply.h"
#include "worker/openai/openai_error.h"

#include <string>
#include <utility>
#include <variant>

namespace llm {

using boost::asio::awaitable;
using worker::Clock;

namespace {

struct Frames {
    std::string text;
    bool last = false;
};

// Of all events that are there by now. The first failure is the end of the whole stream.
Frames ready_frames(Answer& answer) {
    Frames frames;
    while (auto report = answer.jobs.try_next()) {
        if (const auto* failed = std::get_if<worker::Failed>(&report->event)) {
            frames.text += openai_error_frame(openai_error(failed->error));
            frames.text += worker::done_marker;
            frames.last = true;
            return frames;
        }
        frames.text += answer.shape.take(report->job, std::move(report->event));
    }
    if (!answer.jobs.at_end()) return frames;
    frames.text += answer.shape.stream_end();
    frames.text += worker::done_marker;
    frames.last = true;
    return frames;
}

awaitable<void> write_frames(Answer& answer) {
    const bool begun = co_await answer.reply.begin_stream({});
    if (!begun) co_return;
    std::string text = answer.shape.stream_begin();
    for (;;) {
        Frames frames = ready_frames(answer);
        text += frames.text;
        if (!text.empty()) {
            const bool written = co_await answer.reply.write(std::exchange(text, ""));
            if (!written || frames.last) co_return;
        }
        const Clock::TimePoint silent_until = answer.clock.now() + worker::keep_alive_interval;
        co_await answer.jobs.wait(silent_until);
        if (answer.clock.now() >= silent_until) text = ": keep-alive\n\n";
    }
}

}  // namespace

awaitable<void> stream_answer(Answer answer) {
    const Clock::TimePoint patience_ends = answer.clock.now() + worker::status_line_patience;
    while (answer.jobs.undecided() && answer.clock.now() < patience_ends)
        co_await answer.jobs.wait(patience_ends);
    if (const auto error = answer.jobs.failed_without_output()) {
        answer.reply.send(to_response(openai_error(*error)));
        co_return;
    }
    co_await write_frames(answer);
}

awaitable<void> send_answer(Answer answer) {
    while (!answer.jobs.at_end()) {
        while (auto report = answer.jobs.try_next()) {
            if (const auto* failed = std::get_if<worker::Failed>(&report->event)) {
                answer.reply.send(to_response(openai_error(failed->error)));
                co_return;
            }
            answer.shape.take(report->job, std::move(report->event));
        }
        if (!answer.jobs.at_end()) co_await answer.jobs.wait(Clock::TimePoint::max());
    }
    answer.reply.send({.body = answer.shape.body()});
}

}  // namespace llm

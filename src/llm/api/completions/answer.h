#pragma once

#include "llm/api/completions/choices_reply.h"
#include "llm/batching/text_job.h"
#include "worker/base/clock.h"
#include "worker/http/router.h"
#include "worker/scheduler/job_group.h"

#include <boost/asio/awaitable.hpp>

namespace llm {

// A request's jobs, what becomes of them, and where it goes. Thread: io.
struct Answer {
    worker::JobGroup<TextOutput>& jobs;
    ChoicesReply& shape;
    worker::ReplyWriter& reply;
    const worker::Clock& clock;
};

// As server-sent events. What fails before its first output is an ordinary error, if that is soon.
boost::asio::awaitable<void> stream_answer(Answer answer);

// As one object, once all jobs have ended.
boost::asio::awaitable<void> send_answer(Answer answer);

}  // namespace llm

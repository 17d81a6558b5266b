#pragma once

#include "llm/batching/text_job.h"
#include "worker/engine/event.h"

#include <cstddef>
#include <string>

namespace llm {

// What the events of one request's jobs become in an OpenAI reply: a job is a choice. One object
// makes one reply, either frame by frame or as a whole. Thread: io.
class ChoicesReply {
public:
    virtual ~ChoicesReply() = default;

    // The frames before the first event's.
    virtual std::string stream_begin() = 0;
    // Takes the next event of a choice's job; its frames. Requires: it is no `Failed`.
    virtual std::string take(std::size_t choice, worker::Event<TextOutput> event) = 0;
    // The frames behind the last event's, without the end marker.
    virtual std::string stream_end() = 0;

    // All of it as one object, once every job has ended.
    virtual std::string body() = 0;
};

}  // namespace llm

#pragma once

#include "worker/base/ids.h"
#include "worker/scheduler/job_queue.h"

#include <cstdint>
#include <variant>

namespace worker {

// All that the io thread can ask of the engine thread. Closing the mailbox asks it to stop.
template <class Input>
struct Submit {
    JobId id;
    Input input;
    QueueTerms terms = {};
};

struct Cancel {
    JobId id;
};

template <class Input>
using Command = std::variant<Submit<Input>, Cancel>;

}  // namespace worker

#pragma once

#include "worker/base/clock.h"
#include "worker/base/log.h"
#include "worker/narration/narration.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace worker {

class Narrator;

// A reader of live narration. It holds a bounded queue: a slow reader loses the newest lines and
// learns how many. After its destruction `wake` is not called any more. Thread: one, the reader's.
class NarrationSubscription {
public:
    struct Taken {
        std::vector<std::string> lines;   // JSON, oldest first
        std::uint64_t lines_dropped = 0;  // since the last `take`, after `lines`
    };

    ~NarrationSubscription();
    NarrationSubscription(const NarrationSubscription&) = delete;
    NarrationSubscription& operator=(const NarrationSubscription&) = delete;

    // All that has arrived; does not wait.
    Taken take();

private:
    friend class Narrator;
    NarrationSubscription(Narrator& narrator, std::optional<std::string> job_id,
                          std::function<void()> wake);

    // Constant after construction.
    Narrator& narrator_;
    const std::optional<std::string> job_id_;
    const std::function<void()> wake_;
    // Under the narrator's lock.
    Taken waiting_;
};

// Where all narration goes through: made presentable, then to the log and to the subscribers.
class Narrator {
public:
    static constexpr std::size_t subscription_lines_max = 256;

    // `worker`: the program's name, the actor of what the worker itself does.
    Narrator(Log& log, const Clock& clock, std::string worker)
        : log_(log), clock_(clock), worker_(std::move(worker)) {}
    Narrator(const Narrator&) = delete;
    Narrator& operator=(const Narrator&) = delete;

    // Returns what was said, for the stream of the request itself. Thread: any.
    Narration narrate(Narration narration);

    // What is narrated from now on; with `job_id`, of that job only. `wake` is called on the
    // narrating thread, under a lock, when lines begin to wait: it may post somewhere, and do
    // nothing else. Requires: the narrator outlives the subscription. Thread: any.
    std::unique_ptr<NarrationSubscription> subscribe(std::optional<std::string> job_id,
                                                     std::function<void()> wake);

private:
    friend class NarrationSubscription;

    // Constant after construction.
    Log& log_;
    const Clock& clock_;
    const std::string worker_;
    // Under `mutex_`.
    std::mutex mutex_;
    std::vector<NarrationSubscription*> subscriptions_;
};

}  // namespace worker

#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace llm {

class Generation;

// Finds what constrained jobs may say next while the model computes on the engine thread. Asleep
// otherwise. Thread: engine.
class MaskThread {
public:
    MaskThread();
    ~MaskThread();

    // Requires: each is constrained; nobody changes them, and `generations` lives, until `wait` has
    // returned.
    void begin(std::span<Generation* const> generations);
    // Returns when all that was begun is done.
    void wait();

private:
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::span<Generation* const> work_;  // empty: none
    bool over_ = false;
    std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace llm

#pragma once

#include <condition_variable>
#include <mutex>

namespace worker {

// Holds a thread back while it is closed. Thread: any.
class Gate {
public:
    void close() { set(false); }
    void open() { set(true); }
    void pass() {
        std::unique_lock lock(mutex_);
        opened_.wait(lock, [&] { return open_; });
    }

private:
    void set(bool open) {
        const std::lock_guard lock(mutex_);
        open_ = open;
        opened_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable opened_;
    bool open_ = true;
};

}  // namespace worker

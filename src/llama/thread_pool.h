#pragma once

#include <cstdint>

struct ggml_threadpool;

namespace llama {

// The threads that compute what runs on the CPU. They sleep while there is nothing to do, so that
// an idle worker takes no CPU; without a pool of its own ggml starts new threads for every step.
class ThreadPool {
public:
    // Requires: at least one thread; the caller's own counts as one.
    explicit ThreadPool(std::uint32_t threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    // Null where this build of ggml has no pools (it then uses OpenMP's).
    ggml_threadpool* handle() const { return pool_; }

private:
    ggml_threadpool* pool_;
};

}  // namespace llama

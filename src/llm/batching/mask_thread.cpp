#include "llm/batching/mask_thread.h"

#include "llm/batching/generation.h"

namespace llm {

MaskThread::MaskThread() : thread_([this] { run(); }) {}

MaskThread::~MaskThread() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
}

void MaskThread::begin(std::span<Generation* const> generations) {
    const std::lock_guard lock(mutex_);
    work_ = generations;
    changed_.notify_all();
}

void MaskThread::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return work_.empty(); });
}

void MaskThread::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return over_ || !work_.empty(); });
        if (over_) return;
        lock.unlock();
        for (Generation* generation : work_) generation->find_allowed();
        lock.lock();
        work_ = {};
        changed_.notify_all();
    }
}

}  // namespace llm

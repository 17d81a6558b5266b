#include "cpu/thread_team.h"

#include "worker/base/assert.h"

namespace cpu {
namespace {

// Looks before a thread goes to sleep: some ten microseconds, as long as waking it takes.
constexpr int looks_max = 400;

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

std::uint32_t phase_of(std::uint64_t next) {
    return static_cast<std::uint32_t>(next >> 32);
}

}  // namespace

ThreadTeam::ThreadTeam(std::uint32_t threads) : parts_(threads) {
    WORKER_ASSERT(threads > 0);
    for (std::uint32_t thread = 1; thread < threads; ++thread)
        workers_.emplace_back([this, thread] { serve(thread); });
}

ThreadTeam::~ThreadTeam() {
    ends_ = true;
    phase_.fetch_add(1);
    phase_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void ThreadTeam::run(const Phase& phase) {
    if (workers_.empty() || phase.chunks <= 1) {
        for (std::uint32_t chunk = 0; chunk < phase.chunks; ++chunk)
            phase.call(phase.context, chunk, 0);
        return;
    }
    const std::uint32_t number = phase_.load(std::memory_order_relaxed) + 1;
    Slot& slot = slots_[number % 2];
    slot.call.store(phase.call, std::memory_order_relaxed);
    slot.context.store(phase.context, std::memory_order_relaxed);
    slot.chunks.store(phase.chunks, std::memory_order_relaxed);
    slot.done.store(0, std::memory_order_relaxed);
    for (std::uint32_t part = 0; part < size(); ++part)
        parts_[part].next.store(std::uint64_t{number} << 32 | part_begin(phase.chunks, part),
                                std::memory_order_release);
    // Sequentially consistent with the sleeper's own count: one of both sees the other.
    phase_.store(number);
    if (asleep_.load() > 0) phase_.notify_all();
    take_chunks(number, 0);
    wait_until_done(slot, phase.chunks);
}

void ThreadTeam::take_chunks(std::uint32_t phase, std::uint32_t thread) {
    for (std::uint32_t i = 0; i < size(); ++i)
        if (!take_part(phase, (thread + i) % size(), thread)) return;
}

bool ThreadTeam::take_part(std::uint32_t phase, std::uint32_t part, std::uint32_t thread) {
    Slot& slot = slots_[phase % 2];
    std::atomic<std::uint64_t>& part_next = parts_[part].next;
    std::uint64_t next = part_next.load(std::memory_order_acquire);
    for (;;) {
        const auto chunk = static_cast<std::uint32_t>(next);
        const std::uint32_t chunks = slot.chunks.load(std::memory_order_relaxed);
        const auto call = slot.call.load(std::memory_order_relaxed);
        const void* const context = slot.context.load(std::memory_order_relaxed);
        if (phase_of(next) != phase) return false;
        if (chunk >= part_begin(chunks, part + 1)) return true;
        if (!part_next.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel,
                                             std::memory_order_acquire))
            continue;
        call(context, chunk, thread);
        if (slot.done.fetch_add(1) + 1 == chunks && thread != 0) slot.done.notify_all();
        next = part_next.load(std::memory_order_acquire);
    }
}

void ThreadTeam::wait_until_done(Slot& slot, std::uint32_t chunks) {
    for (int looks = 0; looks < looks_max; ++looks) {
        if (slot.done.load(std::memory_order_acquire) == chunks) return;
        pause();
    }
    for (std::uint32_t done = slot.done.load(); done != chunks; done = slot.done.load())
        slot.done.wait(done);
}

void ThreadTeam::serve(std::uint32_t thread) {
    std::uint32_t seen = 0;
    for (;;) {
        seen = next_phase(seen);
        if (ends_) return;
        take_chunks(seen, thread);
    }
}

std::uint32_t ThreadTeam::next_phase(std::uint32_t seen) {
    for (int looks = 0; looks < looks_max; ++looks) {
        const std::uint32_t now = phase_.load(std::memory_order_acquire);
        if (now != seen) return now;
        pause();
    }
    asleep_.fetch_add(1);
    phase_.wait(seen);
    asleep_.fetch_sub(1);
    return phase_.load();
}

}  // namespace cpu

#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace cpu {

// Threads that compute phases together: each phase is cut into chunks. Each thread goes through a
// part of them, one after the other, so that what lies side by side is read by one thread; who is
// done takes from the parts of others. So a thread that is held up by other programs costs its own
// chunk and no more. A phase ends when its chunks are done, whoever did them; nobody waits for a
// thread that came too late. Threads that find nothing to do sleep. Thread: `run` from one.
class ThreadTeam {
public:
    // Requires: at least one thread; the caller's own counts as one.
    explicit ThreadTeam(std::uint32_t threads);
    ~ThreadTeam();
    ThreadTeam(const ThreadTeam&) = delete;
    ThreadTeam& operator=(const ThreadTeam&) = delete;

    std::uint32_t size() const { return static_cast<std::uint32_t>(parts_.size()); }

    // Calls work(chunk, thread) once for each chunk, in any order, thread < size(); returns when
    // all are done, and what they wrote is visible. `work` must not throw.
    template <typename Work>
    void run(std::uint32_t chunks, const Work& work) {
        static_assert(std::is_nothrow_invocable_v<const Work&, std::uint32_t, std::uint32_t>);
        run({.call =
                 [](const void* context, std::uint32_t chunk, std::uint32_t thread) noexcept {
                     (*static_cast<const Work*>(context))(chunk, thread);
                 },
             .context = &work,
             .chunks = chunks});
    }

private:
    struct Phase {
        void (*call)(const void* context, std::uint32_t chunk,
                     std::uint32_t thread) noexcept = nullptr;
        const void* context = nullptr;
        std::uint32_t chunks = 0;
    };
    // A phase that may still be read while the next is written.
    struct Slot {
        std::atomic<void (*)(const void*, std::uint32_t, std::uint32_t) noexcept> call{nullptr};
        std::atomic<const void*> context{nullptr};
        std::atomic<std::uint32_t> chunks{0};
        std::atomic<std::uint32_t> done{0};
    };

    void run(const Phase& phase);
    // A thread's part of a phase.
    struct alignas(64) Part {
        // Number of the phase << 32 | the part's next chunk. A chunk is taken by an exchange of the
        // whole: who wins knows that the phase is still the one whose slot it has read.
        std::atomic<std::uint64_t> next{0};
    };

    // The first chunk of a part; of the one behind the last, the number of chunks.
    std::uint32_t part_begin(std::uint32_t chunks, std::uint32_t part) const {
        return static_cast<std::uint32_t>(std::uint64_t{chunks} * part / size());
    }
    // Takes chunks of the phase until none is left.
    void take_chunks(std::uint32_t phase, std::uint32_t thread);
    // The same, of one part. False: the phase is over.
    bool take_part(std::uint32_t phase, std::uint32_t part, std::uint32_t thread);
    void wait_until_done(Slot& slot, std::uint32_t chunks);
    void serve(std::uint32_t thread);
    // Returns the number of a phase other than `seen`.
    std::uint32_t next_phase(std::uint32_t seen);

    std::vector<Part> parts_;  // one a thread
    alignas(64) Slot slots_[2];
    // The phase's number once more, to sleep on; and who sleeps.
    alignas(64) std::atomic<std::uint32_t> phase_{0};
    std::atomic<std::uint32_t> asleep_{0};
    std::atomic<bool> ends_{false};
    std::vector<std::thread> workers_;
};

}  // namespace cpu

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace cpu {

// What a step does, in the order in which it does it.
enum class Phase : std::uint8_t {
    embedding,
    norm,
    heads,  // queries, keys and values, turned and stored
    attention,
    attention_output,
    gate_up,
    down,
    logits,
    outside,  // between two steps that follow each other: sampling, and what else a job needs
};
inline constexpr std::size_t phases = 9;

// Where the time goes, by phases, as the thread sees it that waits for all others. Thread: one.
class Profile {
public:
    using Clock = std::chrono::steady_clock;
    using Report = std::function<void(const std::string& line)>;

    // Measures where somebody wants to hear of it.
    explicit Profile(Report report) : report_(std::move(report)) {}

    // Adds the time of its life to a phase.
    class Timer {
    public:
        Timer(Profile& profile, Phase phase)
            : profile_(profile), phase_(phase), begin_(profile.now()) {}
        ~Timer() { profile_.add(phase_, profile_.now() - begin_); }
        Timer(const Timer&) = delete;
        Timer& operator=(const Timer&) = delete;

    private:
        Profile& profile_;
        const Phase phase_;
        const Clock::time_point begin_;
    };

    void begin_step();
    // Reports once some seconds have been measured.
    void end_step(std::uint32_t rows);

private:
    Clock::time_point now() const { return report_ ? Clock::now() : Clock::time_point{}; }
    void add(Phase phase, Clock::duration spent) {
        spent_[static_cast<std::size_t>(phase)] += spent;
    }
    std::string line() const;

    const Report report_;
    std::array<Clock::duration, phases> spent_{};
    std::uint64_t steps_ = 0;
    std::uint64_t rows_ = 0;
    Clock::time_point last_end_;
};

}  // namespace cpu

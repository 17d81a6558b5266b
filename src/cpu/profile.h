#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace cpu {

enum class Phase : std::uint8_t {
    embedding,
    norm,
    heads,  // queries, keys and values, turned and stored
    attention,
    attention_output,
    gate_up,
    down,
    logits,
};
inline constexpr std::size_t phases = 8;

// Where the time of steps goes, by phases: as the thread sees it that waits for all others.
class Profile {
public:
    using Clock = std::chrono::steady_clock;

    // Adds the time of its life to a phase.
    class Timer {
    public:
        Timer(Profile& profile, Phase phase)
            : profile_(profile), phase_(phase), begin_(Clock::now()) {}
        ~Timer() { profile_.spent_[static_cast<std::size_t>(phase_)] += Clock::now() - begin_; }
        Timer(const Timer&) = delete;
        Timer& operator=(const Timer&) = delete;

    private:
        Profile& profile_;
        const Phase phase_;
        const Clock::time_point begin_;
    };

    void add_step(std::uint32_t rows) {
        ++steps_;
        rows_ += rows;
    }

    // A line: steps, rows, and each phase's share of the time.
    std::string line() const;

private:
    std::array<Clock::duration, phases> spent_{};
    std::uint64_t steps_ = 0;
    std::uint64_t rows_ = 0;
};

}  // namespace cpu

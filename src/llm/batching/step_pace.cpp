#include "llm/batching/step_pace.h"

#include <algorithm>

namespace llm {

namespace {

using Seconds = std::chrono::duration<double>;

// A step without streams lasts about this long at most, so that a cancelled job's slot is free soon
// and a new stream starts soon.
constexpr Seconds step_max{0.25};
// Steps scatter: what is planned leaves some of the time.
constexpr double planned_share = 0.8;
constexpr std::uint32_t prompt_rows_min = 4;
constexpr std::uint32_t prompt_rows_unmeasured = 32;

}  // namespace

void StepPace::add(std::uint32_t decode_rows, std::uint32_t prompt_rows, Seconds took) {
    if (prompt_rows == 0) return decode_rows_.add(decode_rows, took);
    // A mixed step is never all for its streams, whatever these took before.
    prompt_rows_.add(prompt_rows, std::max(took - without_prompts(decode_rows), took * 0.25));
}

Seconds StepPace::without_prompts(std::uint32_t decode_rows) const {
    const double rate = decode_rows_.per_second();
    return Seconds(rate > 0 ? decode_rows / rate : 0);
}

StepBudget StepPace::budget(std::uint32_t decode_rows, std::uint32_t rows_max) const {
    const double rate = prompt_rows_.per_second();
    const Seconds quiet = without_prompts(decode_rows);
    const Seconds time = decode_rows == 0 ? step_max : std::max(quiet, gap_max_ - quiet);
    std::uint32_t prompts = decode_rows == 0 ? rows_max : prompt_rows_unmeasured;
    if (rate > 0) {
        const double affordable = rate * time.count() * planned_share;
        prompts = static_cast<std::uint32_t>(
            std::clamp(affordable, double{prompt_rows_min}, double(rows_max)));
    }
    return {.rows_max = rows_max, .prompt_rows_max = prompts};
}

}  // namespace llm

#include "llm/batching/step_pace.h"

#include <algorithm>
#include <limits>

namespace llm {

namespace {

using Seconds = std::chrono::duration<double>;

// A step without streams lasts about this long at most, so that a cancelled job's slot is free soon
// and a new stream starts soon.
constexpr Seconds step_max{0.25};
// Steps scatter, and a prompt's rows cost more than the last ones did: what is planned leaves some
// of the time. More of it would cost throughput, since small shares of a prompt cost more a row.
// Twice a step's own time scatters as steps do; the gap is a promise in milliseconds.
constexpr double planned_share = 0.75;
constexpr double planned_share_of_gap = 0.55;
constexpr std::uint32_t prompt_rows_min = 4;
constexpr std::uint32_t prompt_rows_unmeasured = 32;

}  // namespace

void StepPace::add(std::uint32_t decode_rows, std::uint32_t prompt_rows, Seconds took) {
    if (prompt_rows > 0) {
        // A mixed step is never all for its streams, whatever these took before.
        const Seconds own = std::max(took - decode_time(decode_rows), took * 0.25);
        prompt_rows_.add(prompt_rows, own);
        prompt_rows_lately_.add(prompt_rows, own);
    } else {
        decode_steps_.add(1, took);
        decode_rows_.add(decode_rows, took);
    }
}

// From the mean step that only decodes. Each row more or less is a prompt row's worth, since steps
// have a cost that does not depend on their rows, but fewer rows never save more than their share.
Seconds StepPace::decode_time(std::uint32_t rows) const {
    if (decode_steps_.per_second() == 0) return Seconds(0);
    const double step_mean = 1 / decode_steps_.per_second();
    const double rows_mean = decode_rows_.per_second() * step_mean;
    const double prompt_rate = prompt_rows_lately_.per_second();
    const double row = prompt_rate > 0 ? 1 / prompt_rate : step_mean / rows_mean;
    const double scaled = step_mean * std::min(1.0, rows / rows_mean);
    return Seconds(std::max(step_mean + (rows - rows_mean) * row, scaled));
}

std::uint32_t StepPace::prompt_rows_max(std::uint32_t decoding, std::uint32_t prompts) const {
    const double rate = prompt_rows_lately_.per_second();
    if (rate == 0)
        return decoding > 0 ? prompt_rows_unmeasured : std::numeric_limits<std::uint32_t>::max();
    Seconds time = step_max;
    if (decoding > 0)
        time = std::max(gap_max_ * planned_share_of_gap,
                        2 * decode_time(decoding + prompts) * planned_share) -
               decode_time(decoding);
    return std::max(prompt_rows_min,
                    static_cast<std::uint32_t>(std::max(0.0, rate * time.count())));
}

}  // namespace llm

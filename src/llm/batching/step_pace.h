#pragma once

#include "llm/batching/plan_step.h"
#include "worker/base/rate.h"

#include <chrono>
#include <cstdint>

namespace llm {

// How many prompt rows a step may have so that running streams do not feel them, from what steps
// took lately: a step lasts no longer than `gap_max`, or than twice what it will take once all jobs
// in the step decode, whichever is more. Were it twice what the few take that decode already, many
// prompts that come together would be computed in tiny steps, and few streams would ever run at
// once. Thread: one.
class StepPace {
public:
    explicit StepPace(std::chrono::duration<double> gap_max) : gap_max_(gap_max) {}

    // A step with so many rows has been computed.
    void add(std::uint32_t decode_rows, std::uint32_t prompt_rows,
             std::chrono::duration<double> took);

    // Prompt rows of a step in which so many jobs decode, and so many more are in their prompts.
    std::uint32_t prompt_rows_max(std::uint32_t decoding, std::uint32_t prompts) const;

    // 0 before any was computed.
    double prompt_rows_per_second() const { return prompt_rows_.per_second(); }

private:
    std::chrono::duration<double> decode_time(std::uint32_t rows) const;

    const std::chrono::duration<double> gap_max_;
    // Steps that only decode: how many of them a second, and their rows.
    worker::Rate decode_steps_;
    worker::Rate decode_rows_;
    worker::Rate prompt_rows_;
    // The same of the last few steps: rows cost the more the further a prompt is.
    worker::Rate prompt_rows_lately_{std::chrono::milliseconds(200)};
};

}  // namespace llm

#pragma once

#include "llm/batching/plan_step.h"
#include "worker/base/rate.h"

#include <chrono>
#include <cstdint>

namespace llm {

// How many rows a step may have so that running streams do not feel the prompts beside them: from
// what steps took lately, a step with prompts lasts no longer than twice the step without them, or
// than `gap_max`, whichever is more. Thread: one.
class StepPace {
public:
    explicit StepPace(std::chrono::duration<double> gap_max) : gap_max_(gap_max) {}

    // A step with so many rows has been computed.
    void add(std::uint32_t decode_rows, std::uint32_t prompt_rows,
             std::chrono::duration<double> took);

    // `rows_max`: what the model computes at once.
    StepBudget budget(std::uint32_t decode_rows, std::uint32_t rows_max) const;

    // 0 before any was computed.
    double prompt_rows_per_second() const { return prompt_rows_.per_second(); }

private:
    std::chrono::duration<double> without_prompts(std::uint32_t decode_rows) const;

    const std::chrono::duration<double> gap_max_;
    worker::Rate decode_rows_;
    worker::Rate prompt_rows_;
};

}  // namespace llm

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace llm {

// What planning knows of a slot that holds a job.
struct SlotView {
    std::uint32_t prompt_left;  // tokens yet to prefill; 0: decoding, one token a step
};

struct StepBudget {
    std::uint32_t rows_max;         // tokens in one forward()
    std::uint32_t prompt_rows_max;  // of these, for prefill while others decode
};

// `slot` is an index into the views.
struct Grant {
    std::size_t slot;
    std::uint32_t tokens;
};

// Splits one step's rows. Slots that decode come first, one row each, so that no running stream
// stalls; what is left goes to the prompts in the order of the views.
// Requires: at most `rows_max` slots decode.
std::vector<Grant> plan_step(std::span<const SlotView> slots, const StepBudget& budget);

}  // namespace llm

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace llm {

// What planning knows of a slot that holds a job.
struct SlotView {
    std::uint32_t left;  // tokens to compute before one is sampled; 1 when decoding; 0: none now
};

struct StepBudget {
    std::uint32_t rows_max;         // tokens in one forward()
    std::uint32_t prompt_rows_max;  // of these, for prefill
};

// `slot` is an index into the views.
struct Grant {
    std::size_t slot;
    std::uint32_t tokens;
};

// Splits one step's rows. Slots with one token left come first, so that no running stream stalls;
// what remains goes to the prompts in the order of the views. Slots that find no row get none.
std::vector<Grant> plan_step(std::span<const SlotView> slots, const StepBudget& budget);

}  // namespace llm

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace embedding {

// What planning knows of a job: the tokens of each text that it still waits for, in their order.
using TextLengths = std::span<const std::uint32_t>;

struct StepBudget {
    std::uint32_t rows_max;   // tokens in one embed(), unless a single text has more
    std::uint32_t texts_max;  // in one embed()
};

struct TextsPlan {
    // Of each text in the step, the job whose next one it is. An index into the jobs.
    std::vector<std::size_t> jobs;
    std::size_t next_turn = 0;  // the job that the next step begins with
};

// Chooses the texts of one step. The jobs take turns, a text each, from `turn` on, until no job's
// next text finds room: a job of thousands of texts does not make one of a single text wait for
// them all. Who found no room first begins the next step, so that long texts are not overtaken for
// ever. Requires: where there are jobs, `turn` is one of them, and each waits for a text.
TextsPlan plan_texts(std::span<const TextLengths> jobs, std::size_t turn, const StepBudget& budget);

}  // namespace embedding

#pragma once

#include "llm/model/text_model.h"

#include <cstdint>
#include <vector>

namespace cpu {

// One token of a step.
struct BatchRow {
    llm::Token token;
    llm::SequenceId sequence;
    std::uint32_t position;
};

// All tokens of a step: the rows of a sequence follow each other.
struct Batch {
    std::vector<BatchRow> rows;
    std::vector<std::uint32_t> outputs;  // Rows whose logits are wanted, in ascending order.
};

}  // namespace cpu

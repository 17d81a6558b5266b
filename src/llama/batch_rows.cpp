#include "llama/batch_rows.h"

#include "worker/base/assert.h"

#include <llama.h>

namespace llama {

BatchRows::BatchRows(std::uint32_t rows_max)
    : tokens_(rows_max),
      positions_(rows_max),
      sequence_counts_(rows_max, 1),
      sequences_(rows_max),
      outputs_(rows_max) {
    for (std::int32_t& sequence : sequences_) sequence_pointers_.push_back(&sequence);
}

void BatchRows::append(std::int32_t sequence, std::uint32_t first_position,
                       std::span<const std::int32_t> tokens, Outputs outputs) {
    WORKER_ASSERT(rows_ + tokens.size() <= tokens_.size());
    for (std::size_t i = 0; i < tokens.size(); ++i, ++rows_) {
        const bool last = i + 1 == tokens.size();
        tokens_[rows_] = tokens[i];
        positions_[rows_] = static_cast<std::int32_t>(first_position + i);
        sequences_[rows_] = sequence;
        outputs_[rows_] = outputs == Outputs::all || (outputs == Outputs::last && last);
    }
}

llama_batch BatchRows::batch() {
    return {
        .n_tokens = static_cast<std::int32_t>(rows_),
        .token = tokens_.data(),
        .embd = nullptr,
        .pos = positions_.data(),
        .n_seq_id = sequence_counts_.data(),
        .seq_id = sequence_pointers_.data(),
        .logits = outputs_.data(),
    };
}

}  // namespace llama

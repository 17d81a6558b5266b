#pragma once

#include "llm/model/text_model.h"

#include <cstddef>
#include <span>
#include <vector>

namespace llm {

// A token that may be chosen. They are ordered by logit, the largest first; of equal logits the
// lower token comes first.
struct Candidate {
    float logit;
    Token token;
};

bool comes_before(const Candidate& a, const Candidate& b);

// Appends the tokens whose logit is at least `floor`, in the order of the tokens.
void keep_from(double floor, std::span<const float> logits, std::vector<Candidate>& out);

// Makes `out` the first `count` candidates, in order. Requires: `count` > 0.
void keep_first(std::size_t count, std::span<const float> logits, std::vector<Candidate>& out);

}  // namespace llm

#pragma once

#include "llm/model/vocabulary.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace llm {

// A number of tokens that a text has at least, where that is more than `tokens_max`; found from its
// parts, up to the one that decides it. Nothing where the text may fit.
//
// Some tokenisers take time by the square of a text's tokens. What this lets through is bounded by
// `tokens_max` in place of the length of a request. Errors: as `Vocabulary::tokenize`.
Result<std::optional<std::size_t>> surely_longer_than(std::size_t tokens_max, std::string_view text,
                                                      const Vocabulary& vocabulary);

}  // namespace llm

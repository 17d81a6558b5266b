#pragma once

#include "llm/model/text_model.h"

#include <cstdint>
#include <span>

namespace llm {

// What may come next in one reply that has to follow a grammar. Thread: one at a time.
class TokenConstraint {
public:
    virtual ~TokenConstraint() = default;

    // One bit a token, the lowest first: [ceil(n_vocab / 32)]. The model's end is among them where
    // the reply may end. Valid until the next call. Errors: inference_failed.
    virtual Result<std::span<const std::uint32_t>> allowed() = 0;

    // Requires: the token is allowed, and is not the end. Errors: inference_failed.
    virtual Result<void> accept(Token token) = 0;
};

}  // namespace llm

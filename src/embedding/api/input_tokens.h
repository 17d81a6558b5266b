#pragma once

#include "embedding/api/embedding_service.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace embedding {

// One input, with the tokens that the model wants around a text.
struct InputTokens {
    std::vector<llm::Token> tokens = {};  // none, where the context does not hold them
    std::size_t length = 0;               // or how many there are at least
};

// Errors: invalid_request when the text cannot be tokenised. Thread: any.
Result<InputTokens> input_tokens(std::string_view text, const EmbeddingModelView& model);

}  // namespace embedding

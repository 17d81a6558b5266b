#include "embedding/api/input_tokens.h"

#include "llm/model/length_bound.h"

#include <utility>

namespace embedding {

Result<InputTokens> input_tokens(std::string_view text, const EmbeddingModelView& model) {
    const auto longer = llm::surely_longer_than(model.context_max, text, *model.vocabulary);
    if (!longer) return worker::fail(longer.error());
    if (*longer) return InputTokens{.length = **longer};
    auto tokens = model.vocabulary->tokenize(text, llm::SpecialTokens::parsed,
                                             llm::LeadingToken::as_model_wants);
    if (!tokens) return worker::fail(std::move(tokens.error()));
    const std::size_t length = tokens->size();
    if (length > model.context_max) return InputTokens{.length = length};
    return InputTokens{std::move(*tokens), length};
}

}  // namespace embedding

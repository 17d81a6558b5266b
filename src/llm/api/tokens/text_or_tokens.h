#pragma once

#include "llm/model/vocabulary.h"
#include "worker/openai/openai_error.h"

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace llm {

// What OpenAI's clients send of a text: itself, or its tokens by this model.
using TextOrTokens = std::variant<std::string, std::vector<Token>>;

struct TextListLimits {
    std::size_t count_max;
    std::uint32_t vocabulary_size;  // at least 1
};

// For documents and objections.
inline constexpr std::string_view texts_or_tokens_accepted =
    "a text, a list of texts, a list of tokens, a list of such lists";

// A text, a list of texts, a list of tokens, or a list of such lists: at least one of either kind,
// not both, and no list of tokens is empty. `name`: of the parameter, in the singular.
// Source: OpenAI, API reference, `prompt` of completions and `input` of embeddings.
tl::expected<std::vector<TextOrTokens>, worker::OpenAiError> read_texts_or_tokens(
    const boost::json::value& value, std::string_view name, const TextListLimits& limits);

// For people.
std::string text_of(const TextOrTokens& input, const Vocabulary& vocabulary);

}  // namespace llm

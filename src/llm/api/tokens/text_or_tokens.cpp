#include "llm/api/tokens/text_or_tokens.h"

#include "worker/base/utf8.h"
#include "worker/openai/parameter.h"
#include "worker/validation/accepted.h"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <utility>

namespace llm {

using worker::OpenAiError;
using worker::refuse;

namespace {

namespace json = boost::json;

tl::expected<TextOrTokens, OpenAiError> read_tokens(const json::value& tokens,
                                                    const std::string& where,
                                                    const TextListLimits& limits) {
    if (tokens.is_array() && tokens.get_array().empty())
        return refuse(where, where + " must not be empty");
    const worker::Form form =
        worker::IntegerList{.noun = "tokens",
                            .item_noun = "token",
                            .item = {.min = 0,
                                     .max = limits.vocabulary_size - 1,
                                     .whole_fractions = worker::WholeFractions::accepted}};
    worker::Violations violations;
    if (!worker::check(tokens, form, where, violations))
        return tl::make_unexpected(objection(violations, worker::accepted_text(form)));
    std::vector<Token> read;
    worker::store(tokens, read);
    return read;
}

}  // namespace

tl::expected<std::vector<TextOrTokens>, OpenAiError> read_texts_or_tokens(
    const json::value& value, std::string_view name, const TextListLimits& limits) {
    const auto read_one = [&](const json::value& one,
                              const std::string& where) -> tl::expected<TextOrTokens, OpenAiError> {
        if (one.is_string()) return std::string(one.get_string());
        if (one.is_array()) return read_tokens(one, where, limits);
        return refuse(where, fmt::format("{} must be a text or a list of tokens, as the first {} "
                                         "is one",
                                         where, name));
    };
    const std::string parameter(name);
    const json::array* list = value.if_array();
    if (!list && !value.is_string())
        return refuse(parameter, fmt::format("{} must be a text, a list of texts, a list of "
                                             "tokens, or a list of such lists",
                                             name));
    if (list && list->empty()) return refuse(parameter, parameter + " must not be empty");
    std::vector<TextOrTokens> read;
    if (!list || list->front().is_number()) {
        auto one = read_one(value, parameter);
        if (!one) return tl::make_unexpected(std::move(one.error()));
        read.push_back(std::move(*one));
        return read;
    }
    if (list->size() > limits.count_max)
        return refuse(parameter, fmt::format("{0} must have at most {1} {0}s (got {2})", name,
                                             limits.count_max, list->size()));
    for (std::size_t i = 0; i < list->size(); ++i) {
        auto one = read_one((*list)[i], fmt::format("{}[{}]", name, i));
        if (!one) return tl::make_unexpected(std::move(one.error()));
        read.push_back(std::move(*one));
    }
    return read;
}

std::string text_of(const TextOrTokens& input, const Vocabulary& vocabulary) {
    if (const auto* text = std::get_if<std::string>(&input)) return *text;
    std::string text;
    for (const Token token : std::get<std::vector<Token>>(input)) text += vocabulary.piece(token);
    return worker::to_utf8(text);
}

}  // namespace llm

#include "llm/model/length_bound.h"

#include "worker/base/utf8.h"

#include <algorithm>

namespace llm {

namespace {

// Takes milliseconds whatever is in it.
constexpr std::size_t part_bytes = 16 << 10;
// So many tokens of a part may be owed to the cuts at its ends.
constexpr std::size_t cut_tokens_max = 64;

}  // namespace

Result<std::optional<std::size_t>> surely_longer_than(std::size_t tokens_max, std::string_view text,
                                                      const Vocabulary& vocabulary) {
    if (text.size() <= std::max(tokens_max, part_bytes)) return std::nullopt;
    std::size_t tokens = 0;
    while (!text.empty()) {
        std::string_view part = worker::first_bytes(text, part_bytes);
        if (part.empty()) part = text.substr(0, part_bytes);
        const auto found = vocabulary.tokenize(part, SpecialTokens::parsed, LeadingToken::none);
        if (!found) return worker::fail(found.error());
        tokens += found->size() - std::min(found->size(), cut_tokens_max);
        if (tokens > tokens_max) return tokens;
        text.remove_prefix(part.size());
    }
    return std::nullopt;
}

}  // namespace llm

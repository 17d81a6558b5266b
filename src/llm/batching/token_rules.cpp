#include "llm/batching/token_rules.h"

#include <algorithm>

namespace llm {

TokenRules::TokenRules(const GenerateJob& job, const Vocabulary& vocabulary)
    : model_ends_(vocabulary.ends()),
      stops_(job.stop_tokens),
      bad_words_(job.bad_words),
      min_tokens_(job.min_tokens),
      ignore_eos_(job.ignore_eos) {
    for (const Tokens& word : bad_words_) recent_max_ = std::max(recent_max_, word.size() - 1);
}

std::span<const Token> TokenRules::banned() {
    banned_.clear();
    ban_ends();
    ban_last_of_bad_words();
    return banned_;
}

std::span<const Token> TokenRules::banned_words() {
    banned_.clear();
    ban_last_of_bad_words();
    return banned_;
}

void TokenRules::ban_ends() {
    if (ignore_eos_ || too_short())
        banned_.insert(banned_.end(), model_ends_.begin(), model_ends_.end());
    if (too_short()) banned_.insert(banned_.end(), stops_.begin(), stops_.end());
}

// Source: vLLM, `apply_bad_words`: only what was generated can be the beginning of a bad word.
void TokenRules::ban_last_of_bad_words() {
    for (const Tokens& word : bad_words_) {
        const std::span<const Token> beginning = std::span(word).first(word.size() - 1);
        if (beginning.size() > recent_.size()) continue;
        if (std::ranges::equal(beginning, std::span(recent_).last(beginning.size())))
            banned_.push_back(word.back());
    }
}

void TokenRules::accept(Token token) {
    ++accepted_;
    if (recent_max_ == 0) return;
    if (recent_.size() == recent_max_) recent_.erase(recent_.begin());
    recent_.push_back(token);
}

bool TokenRules::stops(Token token) const {
    return std::ranges::find(stops_, token) != stops_.end();
}

}  // namespace llm

#pragma once

#include "llm/sampling/grammar.h"

#include <memory>
#include <mutex>
#include <optional>

namespace llm {

// A model's tokens as grammars see them, made when the first request has one, for that takes a good
// part of a second. Thread: any.
class LazyGrammars {
public:
    explicit LazyGrammars(std::shared_ptr<const Vocabulary> vocabulary)
        : vocabulary_(std::move(vocabulary)) {}

    // Errors: as `GrammarVocabulary::make` and `GrammarVocabulary::constrain`.
    Result<std::unique_ptr<TokenConstraint>> constrain(const GrammarSpec& spec) {
        {
            const std::lock_guard lock(mutex_);
            if (!made_) made_ = GrammarVocabulary::make(*vocabulary_);
        }
        if (!*made_) return worker::fail(made_->error());
        return (**made_)->constrain(spec);
    }

private:
    const std::shared_ptr<const Vocabulary> vocabulary_;
    std::mutex mutex_;
    std::optional<Result<std::shared_ptr<const GrammarVocabulary>>> made_;  // then constant
};

}  // namespace llm

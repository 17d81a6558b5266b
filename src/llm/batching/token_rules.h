#pragma once

#include "llm/batching/text_job.h"
#include "llm/model/vocabulary.h"

#include <cstdint>
#include <span>
#include <vector>

namespace llm {

// Which tokens may not come next in a reply, and which end it. Thread: one.
class TokenRules {
public:
    TokenRules(const GenerateJob& job, const Vocabulary& vocabulary);

    // Tokens that may not be chosen after those accepted so far. Valid until the next call.
    std::span<const Token> banned();
    // Those of them that would complete a bad word.
    std::span<const Token> banned_words();
    // A token was chosen and belongs to the reply.
    void accept(Token token);

    // True for the job's own tokens that end it. The model's end it too, if they are ever chosen.
    bool stops(Token token) const;
    // True while the reply is shorter than `min_tokens`.
    bool too_short() const { return accepted_ < min_tokens_; }

private:
    using Tokens = std::vector<Token>;

    void ban_ends();
    void ban_last_of_bad_words();

    const std::span<const Token> model_ends_;
    const Tokens stops_;
    const std::vector<Tokens> bad_words_;
    const std::uint32_t min_tokens_;
    const bool ignore_eos_;
    std::size_t recent_max_ = 0;  // tokens that a bad word can begin with
    Tokens recent_;               // the last ones accepted
    std::uint32_t accepted_ = 0;
    Tokens banned_;
};

}  // namespace llm

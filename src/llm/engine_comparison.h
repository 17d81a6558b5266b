// For tests: what two engines make of the same texts.
#pragma once

#include "llm/model/text_model.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace llm {

using TokenText = std::vector<Token>;

// Of the distributions of the next token, the reference's and the other's. Natural logarithms.
struct EngineComparison {
    std::uint64_t positions = 0;
    double divergence = 0;        // mean of KL(reference, other)
    double divergence_max = 0;    // of one position
    double entropy = 0;           // mean of the reference's
    double same_choice = 0;       // share of the positions at which both prefer the same token
    double perplexity = 0;        // of the texts, by the reference
    double perplexity_ratio = 0;  // the other's, as a multiple of it

    std::string line() const;  // of a table
    static std::string heading();
};

// Feeds all texts to both, a token of each at a time, whatever they would have said. Both know no
// sequence before and after. Requires: room for a sequence a text.
EngineComparison compare(TextModel& reference, TextModel& other, std::span<const TokenText> texts);

// A reply to a prompt, the likeliest token each time.
struct GreedyText {
    TokenText tokens;
    // How far the chosen token's logit was ahead of the next one's.
    std::vector<float> leads;
};
GreedyText greedy(TextModel& model, const TokenText& prompt, std::size_t count);

// The lead at the first token in which they differ; 0 where they do not. What follows continues
// different texts.
float lead_where_they_part(const GreedyText& reference, const GreedyText& other);

// The logits behind each token of a text, computed in chunks of this many tokens; those of the
// chunks' last tokens only. The sequence is empty before and after.
std::vector<float> logits_of(TextModel& model, const TokenText& text, std::uint32_t chunk);

// The logits behind each token of all texts, a token of each text at a time:
// [text][token][n_vocab]. Texts begin and end at different steps, so that most rows meet others at
// other positions.
std::vector<std::vector<float>> logits_together(TextModel& model, std::span<const TokenText> texts);

// Tokens as a counter-based generator draws them, the same for the same seed.
TokenText random_text(std::uint64_t seed, std::size_t tokens, std::uint32_t vocabulary_size);

}  // namespace llm

#pragma once

#include "llm/sampling/sampling_settings.h"

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

namespace llm {

// Some logits of a row changed for as long as this lives; then the row is as it was, for others
// that choose from it too. Costs as much as there are changes, whatever the vocabulary's size.
class PatchedLogits {
public:
    struct Change {
        Token token;
        float before;
    };

    // `changes` is memory to work in.
    PatchedLogits(std::span<float> logits, std::vector<Change>& changes);
    ~PatchedLogits();
    PatchedLogits(const PatchedLogits&) = delete;
    PatchedLogits& operator=(const PatchedLogits&) = delete;

    // To be written to. Requires: the vocabulary has this token.
    float& operator[](Token token);

private:
    const std::span<float> logits_;
    std::vector<Change>& changes_;
};

// What a job's settings and its tokens so far make of logits: biases first, then the repetition
// penalty, then those for frequency and presence.
// Source: vLLM, `Sampler.forward` and `apply_all_penalties`, for the order. Thread: one.
class Penalties {
public:
    // Keeps no reference to the settings.
    explicit Penalties(const SamplingSettings& settings);

    void see_prompt(std::span<const Token> prompt);
    void accept(Token token);

    // Touches the logits of the tokens concerned only.
    void apply(PatchedLogits& logits) const;

private:
    using Counts = std::unordered_map<Token, std::uint32_t>;

    void remember(Token token);

    const float repetition_;
    const float frequency_;
    const float presence_;
    const std::uint32_t last_n_;
    const std::vector<LogitBias> biases_;
    std::deque<Token> recent_;  // at most `last_n_`; unused for 0
    Counts repeats_;            // how often each is among those that the repetition looks back on
    Counts chosen_;             // how often each was chosen
};

}  // namespace llm

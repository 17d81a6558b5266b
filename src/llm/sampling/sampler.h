#pragma once

#include "llm/model/text_model.h"
#include "worker/base/result.h"

#include <cstdint>
#include <deque>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

namespace llm {

// How tokens are chosen. The defaults leave the model's distribution as it is.
struct SamplingSettings {
    double temperature = 1.0;           // 0 = the most likely token, whatever the filters say
    double top_p = 1.0;                 // 0..1; 1 = off
    double min_p = 0.0;                 // 0..1, as a share of the most likely; 0 = off
    double repetition_penalty = 1.0;    // 1 = off, and so is 0
    std::uint32_t top_k = 0;            // 0 = off
    std::uint32_t repeat_last_n = 128;  // tokens that the penalty looks back on; 0 = all
    std::uint64_t seed = 0;
};

// Memory that a sampler needs while it chooses, in proportion to the vocabulary. It keeps nothing
// from one call to the next, so that one serves all jobs of a thread.
struct SamplingWorkspace {
    struct Candidate {
        float logit;
        Token token;
    };
    std::vector<float> penalized;  // [n_vocab] logits
    std::vector<Candidate> candidates;
    std::vector<float> weights;  // Unnormalised probabilities.
};

// Chooses one job's tokens. The same settings, history and logits give the same tokens, with any
// standard library.
//
// The filters work in llama.cpp's order, each on what the one before it left: repetition penalty,
// top-k, top-p, min-p, temperature; then a token is drawn. Of equal logits the lower token comes
// first. A token whose logit is -infinity or NaN is never chosen.
// Source: llama.cpp, `common_params_sampling` for the order, llama-sampler.cpp for each filter.
//
// Thread: one.
class Sampler {
public:
    explicit Sampler(const SamplingSettings& settings);

    // Takes a token into the history: each of the prompt's, then each that was chosen.
    void accept(Token token);

    // `logits`: [n_vocab]. Errors: inference_failed when no token can be chosen.
    Result<Token> sample(std::span<const float> logits, SamplingWorkspace& workspace);

private:
    bool penalizes() const;
    std::span<const float> penalize(std::span<const float> logits, std::vector<float>& out) const;
    void filter(std::span<const float> logits, float largest, SamplingWorkspace& workspace) const;
    // An index into `weights`, each as likely as its weight.
    std::size_t draw(std::span<const float> weights);

    const SamplingSettings settings_;
    std::mt19937_64 generator_;
    std::deque<Token> history_;                         // At most `repeat_last_n`; unused for 0.
    std::unordered_map<Token, std::uint32_t> repeats_;  // How often each is in the history.
};

}  // namespace llm

#pragma once

#include "llm/sampling/candidates.h"
#include "llm/sampling/penalties.h"
#include "llm/sampling/sampling_settings.h"
#include "llm/sampling/softmax.h"
#include "worker/base/result.h"

#include <optional>
#include <random>
#include <span>
#include <vector>

namespace llm {

// What a token is chosen from.
struct Choice {
    std::span<float> logits;             // [n_vocab]; in the end as they were
    std::span<const Token> banned = {};  // that may not be chosen now
    // One bit a token, [ceil(n_vocab / 32)]: no other may be chosen. Empty: all may.
    std::span<const std::uint32_t> allowed = {};
};

// Memory that a sampler needs while it chooses. It keeps nothing from one call to the next, so
// that one serves all jobs of a thread.
struct SamplingWorkspace {
    std::vector<PatchedLogits::Change> changes;
    std::vector<Candidate> candidates;
    std::vector<float> weights;  // unnormalised probabilities, of candidates or of blocks
    std::vector<float> masked;   // a row of which only what is allowed is left
};

// Chooses one job's tokens. The same settings, history and logits give the same tokens, with any
// standard library.
//
// The filters work in llama.cpp's order, each on what the one before it left: biases and penalties,
// top-k, top-p, min-p, temperature; then a token is drawn. Of equal logits the lower token comes
// first. A token whose logit is -infinity or NaN is never chosen.
// Source: llama.cpp, `common_params_sampling` for the order, llama-sampler.cpp for each filter.
//
// Thread: one.
class Sampler {
public:
    explicit Sampler(const SamplingSettings& settings);

    // Takes the prompt into the history.
    void see_prompt(std::span<const Token> prompt) { penalties_.see_prompt(prompt); }
    // Takes a token into the history that was chosen.
    void accept(Token token) { penalties_.accept(token); }

    // Errors: inference_failed when no token can be chosen.
    Result<Token> sample(const Choice& choice, SamplingWorkspace& workspace);

private:
    Result<Token> sample_from(std::span<float> logits, std::span<const Token> banned,
                              SamplingWorkspace& workspace);
    // Neither has a value when no token can be chosen.
    std::optional<Token> draw_from_all(std::span<const float> logits, std::vector<float>& weights);
    std::optional<Token> draw_from_filtered(std::span<const float> logits,
                                            SamplingWorkspace& workspace);
    // Leaves what the filters keep, which is nothing when no logit is usable. The largest logit,
    // as weights can be relative to it.
    float filter(std::span<const float> logits, std::vector<Candidate>& candidates) const;
    Weighing weighing_from(float largest) const;
    // Anywhere in the sum of the weights.
    double point_in(std::span<const float> weights);

    const SamplingSettings settings_;
    Penalties penalties_;
    std::mt19937_64 generator_;
};

}  // namespace llm

#pragma once

#include "llm/batching/text_job.h"
#include "llm/batching/token_rules.h"
#include "llm/model/vocabulary.h"
#include "llm/sampling/sampler.h"
#include "llm/text/stop_strings.h"
#include "llm/text/utf8_stream.h"
#include "worker/base/clock.h"
#include "worker/engine/backend.h"
#include "worker/engine/event.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace llm {

// One job in a slot: its text, how much of it the model holds, and the reply so far. Knows no
// model, so that what a reply is made of is tested with plain numbers.
class Generation {
public:
    Generation(worker::JobId job, SequenceId sequence, GenerateJob spec, std::uint32_t context_max,
               const Vocabulary& vocabulary);

    worker::JobId job() const { return job_; }
    SequenceId sequence() const { return sequence_; }
    int priority() const { return spec_.priority; }
    const std::string& cache_scope() const { return spec_.cache_scope; }

    // The prompt, then what was sampled.
    std::span<const Token> tokens() const { return tokens_; }
    // So many of them the model holds; the position of the next one.
    std::uint32_t length() const { return length_; }
    std::span<const Token> held() const { return tokens().first(length_); }
    // So many it does not hold yet: what is left of the prompt, or the token sampled last. Never 0.
    std::uint32_t left() const { return static_cast<std::uint32_t>(tokens_.size()) - length_; }
    // Tokens that may follow those known now.
    std::uint32_t growth_max() const;

    std::span<const Token> next_tokens(std::uint32_t count) const {
        return tokens().subspan(length_, count);
    }
    // So many of them one step may compute.
    std::uint32_t rows_next() const { return spec_.prompt_logprobs ? 1 : left(); }
    // True when the run of the next `count` tokens ends where sampling starts.
    bool samples(std::uint32_t count) const { return count == left(); }
    // True when its last row's logits are for `sample`.
    bool wants_logits(std::uint32_t count) const { return samples(count) || spec_.prompt_logprobs; }
    // The model has computed `count` tokens more.
    void advance(std::uint32_t count);
    // The model holds `length` tokens, copied and not computed.
    void hold(std::uint32_t length);
    // Of the prompt: not computed for this job.
    std::uint32_t cached() const { return cached_; }
    // Nothing was computed for this job yet.
    bool is_untouched() const { return computed_ == 0; }
    // What it says of its slot, but for the slot's id.
    worker::SlotStatus status() const;

    // Its reply has to follow a grammar.
    bool is_constrained() const { return spec_.constraint != nullptr; }
    // Works out what may come next, for the next `sample`. Requires: is_constrained(). Thread: any
    // one, while no other function of this object runs that changes it.
    void find_allowed();

    // Samples from `logits` and appends what that gives to `reports`. True when the job has ended,
    // its terminal event included.
    bool sample(std::span<float> logits, SamplingWorkspace& workspace, worker::Clock::TimePoint now,
                worker::Reports<TextOutput>& reports);

private:
    Result<Token> choose(std::span<float> logits, SamplingWorkspace& workspace);
    // What can be said once the token's bytes have come.
    StopStrings::Output text_of(Token token);
    void remember_prompt_detail(std::span<const float> logits);
    void remember_detail(Token token, std::span<const float> logits);
    void say(std::string text, worker::Reports<TextOutput>& reports);
    void end(worker::StopReason reason, std::optional<std::string> matched,
             worker::Reports<TextOutput>& reports);

    const worker::JobId job_;
    const SequenceId sequence_;
    const std::uint32_t context_max_;
    const Vocabulary& vocabulary_;
    GenerateJob spec_;
    Sampler sampler_;
    TokenRules rules_;
    Utf8Stream utf8_;
    StopStrings stops_;
    std::vector<Token> tokens_;
    const std::uint32_t prompt_size_;
    std::uint32_t length_ = 0;
    std::uint32_t cached_ = 0;
    std::uint64_t computed_ = 0;
    std::uint32_t tokens_out_ = 0;
    std::uint32_t tokens_unsaid_ = 0;  // sampled, their text held back so far
    std::vector<Logprobs> details_unsaid_;
    std::vector<Logprobs> prompt_details_;                           // of the prompt's first tokens
    std::optional<Result<std::span<const std::uint32_t>>> allowed_;  // next, once found
    worker::Clock::TimePoint first_sampled_{};
    worker::Clock::TimePoint last_sampled_{};
};

}  // namespace llm

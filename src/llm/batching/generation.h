#pragma once

#include "llm/batching/text_job.h"
#include "llm/model/vocabulary.h"
#include "llm/sampling/sampler.h"
#include "llm/text/stop_strings.h"
#include "llm/text/utf8_stream.h"
#include "worker/base/clock.h"
#include "worker/engine/event.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace llm {

// One job in a slot: which tokens the model has seen, which come next, and the reply so far.
// Knows no model, so that what a reply is made of is tested with plain numbers.
class Generation {
public:
    Generation(worker::JobId job, SequenceId sequence, GenerateJob spec, std::uint32_t context_max,
               const Vocabulary& vocabulary);

    worker::JobId job() const { return job_; }
    SequenceId sequence() const { return sequence_; }

    // Tokens computed so far; the position of the next one.
    std::uint32_t length() const { return length_; }
    // Prompt tokens yet to compute; 0 when decoding.
    std::uint32_t prompt_left() const;
    // The next tokens for the model: a part of the prompt, or the token sampled last.
    std::span<const Token> next_tokens(std::uint32_t count) const;
    // The model has computed `count` of them. True when logits after the last one are wanted.
    void advance(std::uint32_t count) { length_ += count; }
    // True when the run of the next `count` tokens ends where sampling starts.
    bool wants_logits(std::uint32_t count) const;
    // The most cells that this job can ever need.
    static std::uint32_t cells_max(const GenerateJob& job, std::uint32_t context_max);
    std::uint32_t cells_max() const { return cells_max(spec_, context_max_); }

    // Samples from `logits` and appends what that gives to `reports`. True when the job has ended,
    // its terminal event included.
    bool sample(std::span<const float> logits, SamplingWorkspace& workspace,
                worker::Clock::TimePoint now, worker::Reports<TextOutput>& reports);

private:
    void say(std::string text, worker::Reports<TextOutput>& reports);
    void end(worker::StopReason reason, std::optional<std::string> matched,
             worker::Reports<TextOutput>& reports);

    const worker::JobId job_;
    const SequenceId sequence_;
    const std::uint32_t context_max_;
    const Vocabulary& vocabulary_;
    GenerateJob spec_;
    Sampler sampler_;
    Utf8Stream utf8_;
    StopStrings stops_;
    std::vector<Token> last_;  // the token sampled last, once there is one
    std::uint32_t length_ = 0;
    std::uint32_t tokens_out_ = 0;
    std::uint32_t tokens_unsaid_ = 0;  // sampled, their text held back so far
    worker::Clock::TimePoint first_sampled_{};
    worker::Clock::TimePoint last_sampled_{};
};

}  // namespace llm

#include "llm/batching/generation.h"

#include <algorithm>
#include <utility>

namespace llm {

using worker::StopReason;

Generation::Generation(worker::JobId job, SequenceId sequence, GenerateJob spec,
                       std::uint32_t context_max, const Vocabulary& vocabulary)
    : job_(job),
      sequence_(sequence),
      context_max_(context_max),
      vocabulary_(vocabulary),
      spec_(std::move(spec)),
      sampler_(spec_.sampling),
      stops_(std::move(spec_.stop)) {
    for (const Token token : spec_.prompt) sampler_.accept(token);
}

std::uint32_t Generation::prompt_left() const {
    const auto prompt = static_cast<std::uint32_t>(spec_.prompt.size());
    return length_ < prompt ? prompt - length_ : 0;
}

std::span<const Token> Generation::next_tokens(std::uint32_t count) const {
    if (prompt_left() == 0) return last_;
    return std::span(spec_.prompt).subspan(length_, count);
}

bool Generation::wants_logits(std::uint32_t count) const {
    return prompt_left() == 0 || prompt_left() == count;
}

std::uint32_t Generation::cells_max(const GenerateJob& job, std::uint32_t context_max) {
    const std::uint64_t wanted = std::uint64_t{job.prompt.size()} + job.max_tokens;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, context_max));
}

bool Generation::sample(std::span<const float> logits, SamplingWorkspace& workspace,
                        worker::Clock::TimePoint now, worker::Reports<TextOutput>& reports) {
    if (last_.empty()) first_sampled_ = now;
    last_sampled_ = now;
    const Result<Token> token = sampler_.sample(logits, workspace);
    if (!token) {
        reports.push_back({job_, worker::Failed{token.error()}});
        return true;
    }
    last_.assign(1, *token);
    sampler_.accept(*token);
    if (vocabulary_.ends_generation(*token)) {
        end(StopReason::eos, std::nullopt, reports);
        return true;
    }
    ++tokens_out_;
    ++tokens_unsaid_;
    StopStrings::Output output = stops_.push(utf8_.push(vocabulary_.piece(*token)));
    say(std::move(output.text), reports);
    if (output.matched) {
        end(StopReason::stop_sequence, stops_.stop(*output.matched), reports);
        return true;
    }
    // `length_` does not count the new token: it would be computed at that position.
    if (tokens_out_ == spec_.max_tokens || length_ == context_max_) {
        end(StopReason::max_tokens, std::nullopt, reports);
        return true;
    }
    return false;
}

void Generation::say(std::string text, worker::Reports<TextOutput>& reports) {
    if (text.empty()) return;
    reports.push_back({job_, TextOutput{std::move(text), std::exchange(tokens_unsaid_, 0)}});
}

void Generation::end(StopReason reason, std::optional<std::string> matched,
                     worker::Reports<TextOutput>& reports) {
    if (!matched) {
        // What is held back now turns out to be text: no stop string, no whole character follows.
        StopStrings::Output rest = stops_.push(utf8_.flush());
        if (rest.matched) {
            reason = StopReason::stop_sequence;
            matched = stops_.stop(*rest.matched);
        } else {
            rest.text += stops_.flush();
        }
        say(std::move(rest.text), reports);
    }
    worker::Ended ended;
    ended.tokens_in = static_cast<std::uint32_t>(spec_.prompt.size());
    ended.tokens_out = tokens_out_;
    ended.decode_time =
        std::chrono::duration_cast<std::chrono::milliseconds>(last_sampled_ - first_sampled_);
    ended.stop_reason = reason;
    ended.stop_sequence_matched = std::move(matched);
    reports.push_back({job_, std::move(ended)});
}

}  // namespace llm

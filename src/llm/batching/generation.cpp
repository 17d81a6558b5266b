#include "llm/batching/generation.h"

#include <algorithm>
#include <limits>
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
      rules_(spec_, vocabulary),
      stops_(std::move(spec_.stop)),
      tokens_(std::move(spec_.prompt)),
      prompt_size_(static_cast<std::uint32_t>(tokens_.size())) {
    sampler_.see_prompt(tokens_);
    if (spec_.prompt_logprobs)
        prompt_details_.push_back(
            {.chosen = {tokens_.front(), std::numeric_limits<float>::quiet_NaN()}});
}

std::uint32_t Generation::growth_max() const {
    const auto size = static_cast<std::uint32_t>(tokens_.size());
    return std::min(spec_.max_tokens - tokens_out_, context_max_ - std::min(context_max_, size));
}

void Generation::advance(std::uint32_t count) {
    length_ += count;
    computed_ += count;
}

void Generation::hold(std::uint32_t length) {
    length_ = length;
    if (computed_ == 0) cached_ = length;
}

worker::SlotStatus Generation::status() const {
    const bool has_output = tokens_.size() > prompt_size_;
    return {.state = has_output ? worker::SlotState::decode : worker::SlotState::prefill,
            .job = job_,
            .units_in = prompt_size_,
            .units_cached = cached_,
            .units_out = tokens_out_,
            .cells = length_};
}

bool Generation::sample(std::span<float> logits, SamplingWorkspace& workspace,
                        worker::Clock::TimePoint now, worker::Reports<TextOutput>& reports) {
    if (length_ < prompt_size_) {
        remember_prompt_detail(logits);
        return false;
    }
    if (tokens_.size() == prompt_size_) first_sampled_ = now;
    last_sampled_ = now;
    const Result<Token> token = choose(logits, workspace);
    if (!token) {
        reports.push_back({job_, worker::Failed{token.error()}});
        return true;
    }
    tokens_.push_back(*token);
    sampler_.accept(*token);
    if (vocabulary_.ends_generation(*token)) {
        end(StopReason::eos, std::nullopt, reports);
        return true;
    }
    if (rules_.stops(*token)) {
        end(StopReason::stop_sequence, std::nullopt, reports);
        return true;
    }
    ++tokens_out_;
    ++tokens_unsaid_;
    remember_detail(*token, logits);
    StopStrings::Output output = text_of(*token);
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

void Generation::find_allowed() {
    allowed_ = spec_.constraint->allowed();
}

Result<Token> Generation::choose(std::span<float> logits, SamplingWorkspace& workspace) {
    if (!spec_.constraint)
        return sampler_.sample({.logits = logits, .banned = rules_.banned()}, workspace);
    if (!allowed_) find_allowed();
    const auto allowed = *std::exchange(allowed_, std::nullopt);
    if (!allowed) return worker::fail(allowed.error());
    const Result<Token> token = sampler_.sample(
        {.logits = logits, .banned = rules_.banned_words(), .allowed = *allowed}, workspace);
    if (!token || vocabulary_.ends_generation(*token)) return token;
    if (const Result<void> accepted = spec_.constraint->accept(*token); !accepted)
        return worker::fail(accepted.error());
    return token;
}

// After a parked job's text was computed again its first tokens are known already.
void Generation::remember_prompt_detail(std::span<const float> logits) {
    if (prompt_details_.size() == length_)
        prompt_details_.push_back(logprobs(logits, tokens_[length_], spec_.logprobs_top));
}

void Generation::remember_detail(Token token, std::span<const float> logits) {
    if (spec_.detail == TokenDetail::ids) details_unsaid_.push_back({.chosen = {token, 0}});
    if (spec_.detail == TokenDetail::logprobs)
        details_unsaid_.push_back(logprobs(logits, token, spec_.logprobs_top));
}

StopStrings::Output Generation::text_of(Token token) {
    const bool shown = std::ranges::find(spec_.shown_controls, token) != spec_.shown_controls.end();
    std::string text = utf8_.push(shown ? vocabulary_.spelling(token) : vocabulary_.piece(token));
    const bool too_short = rules_.too_short();
    rules_.accept(token);
    if (too_short) return {.text = std::move(text), .matched = std::nullopt};
    return stops_.push(text);
}

void Generation::say(std::string text, worker::Reports<TextOutput>& reports) {
    if (text.empty() && prompt_details_.empty()) return;
    reports.push_back({job_, TextOutput{.text = std::move(text),
                                        .tokens = std::exchange(tokens_unsaid_, 0),
                                        .details = std::exchange(details_unsaid_, {}),
                                        .prompt_details = std::exchange(prompt_details_, {})}});
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
    ended.tokens_in = prompt_size_;
    ended.tokens_cached = cached_;
    ended.tokens_out = tokens_out_;
    ended.decode_time =
        std::chrono::duration_cast<std::chrono::milliseconds>(last_sampled_ - first_sampled_);
    ended.stop_reason = reason;
    ended.stop_sequence_matched = std::move(matched);
    reports.push_back({job_, std::move(ended)});
}

}  // namespace llm

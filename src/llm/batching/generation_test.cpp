#include "llm/batching/generation.h"

#include "tests/support/toy_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace llm {
namespace {

using namespace std::chrono_literals;

struct Case {
    std::vector<Token> says;  // what the model says, one token a step
    std::vector<std::string> stop = {};
    std::uint32_t max_tokens = 100;
    std::uint32_t context_max = 100;
    GenerateJob rules = {};  // its fields on which tokens may come
};

std::vector<Token> letters(std::string_view text) {
    return *ToyVocabulary().tokenize(text, SpecialTokens::as_text, LeadingToken::as_model_wants);
}

// Outputs in quotes, then the end: "'a' 'b' EOS 2".
std::string run(Case c) {
    const ToyVocabulary vocabulary;
    GenerateJob job = std::move(c.rules);
    job.prompt = letters("xyz");
    job.max_tokens = c.max_tokens;
    job.sampling.temperature = 0;
    job.stop = c.stop;
    Generation generation(worker::JobId{1}, SequenceId{0}, std::move(job), c.context_max,
                          vocabulary);
    SamplingWorkspace workspace;
    worker::Reports<TextOutput> reports;
    worker::Clock::TimePoint now{};
    for (const Token token : c.says) {
        generation.advance(generation.left());
        std::vector<float> logits(vocabulary.size(), 0.0f);
        logits[static_cast<std::size_t>(token)] = 1.0f;
        if (generation.sample(logits, workspace, now, reports)) break;
        now += 10ms;
    }
    std::string said;
    for (const auto& report : reports) {
        if (const auto* output = std::get_if<TextOutput>(&report.event)) {
            said += "'" + output->text + "' ";
            for (const Logprobs& each : output->details)
                said +=
                    std::to_string(each.chosen.token) + "," + std::to_string(each.top.size()) + " ";
        }
        if (const auto* failed = std::get_if<worker::Failed>(&report.event))
            said += failed->error.message;
        if (const auto* ended = std::get_if<worker::Ended>(&report.event))
            said += std::string(wire_name(ended->stop_reason)) + " " +
                    std::to_string(ended->tokens_out) +
                    (ended->stop_sequence_matched ? " " + *ended->stop_sequence_matched : "");
    }
    return said;
}

std::vector<Token> then(std::vector<Token> tokens, Token last) {
    tokens.push_back(last);
    return tokens;
}

void check(Case c, const std::string& expected) {
    EXPECT_EQ(run(std::move(c)), expected);
}

TEST(Generation, ends_with_the_model) {
    check({.says = then(letters("ab"), ToyVocabulary::end)}, "'a' 'b' EOS 2");
}
TEST(Generation, an_end_at_once_has_no_output) {
    check({.says = {ToyVocabulary::end}}, "EOS 0");
}
TEST(Generation, ends_at_max_tokens) {
    check({.says = letters("abc"), .max_tokens = 2}, "'a' 'b' MAX_TOKENS 2");
}
TEST(Generation, ends_when_the_context_is_full) {
    check({.says = letters("abcdef"), .context_max = 5}, "'a' 'b' 'c' MAX_TOKENS 3");
}
TEST(Generation, a_stop_string_ends_it_and_is_not_said) {
    check({.says = letters("abcde"), .stop = {"cd"}}, "'a' 'b' STOP_SEQUENCE 4 cd");
}
TEST(Generation, a_stop_token_ends_it_and_is_not_said) {
    check({.says = letters("abcde"), .rules = {.stop_tokens = letters("dz")}},
          "'a' 'b' 'c' STOP_SEQUENCE 3");
    check({.says = letters("abcde"), .stop = {"cx"}, .rules = {.stop_tokens = letters("d")}},
          "'a' 'b' 'c' STOP_SEQUENCE 3");
}
TEST(Generation, the_models_end_is_not_chosen_where_it_is_to_be_ignored) {
    check({.says = {2, ToyVocabulary::end, 3}, .max_tokens = 3, .rules = {.ignore_eos = true}},
          "'c' 'a' 'd' MAX_TOKENS 3");
}
TEST(Generation, nothing_ends_a_reply_that_is_too_short) {
    const Token end = ToyVocabulary::end;
    check({.says = {2, end, end}, .rules = {.min_tokens = 2}}, "'c' 'a' EOS 2");
    check({.says = letters("cdcdcd"), .stop = {"cd"}, .rules = {.min_tokens = 3}},
          "'c' 'd' 'c' 'd' STOP_SEQUENCE 6 cd");
    check({.says = letters("ddd"), .rules = {.min_tokens = 1, .stop_tokens = letters("d")}},
          "'a' STOP_SEQUENCE 1");
}
TEST(Generation, a_bad_word_is_never_complete) {
    check({.says = letters("xbcbc"), .max_tokens = 5, .rules = {.bad_words = {letters("bc")}}},
          "'x' 'b' 'a' 'b' 'a' MAX_TOKENS 5");
}
TEST(Generation, a_reply_of_which_nothing_may_come_fails) {
    GenerateJob rules;
    for (Token token = 0; token < 30; ++token) rules.bad_words.push_back({token});
    check({.says = letters("a"), .rules = std::move(rules)}, "no token can be chosen");
}

// Only these letters, in this order; then the end.
class Spells final : public TokenConstraint {
public:
    explicit Spells(std::string_view text) : text_(letters(text)) {}
    Result<std::span<const std::uint32_t>> allowed() override {
        const Token next = at_ < text_.size() ? text_[at_] : ToyVocabulary::end;
        mask_ = 1u << next;
        return std::span<const std::uint32_t>(&mask_, 1);
    }
    Result<void> accept(Token token) override {
        EXPECT_EQ(token, text_[at_]);
        ++at_;
        return {};
    }

private:
    const std::vector<Token> text_;
    std::size_t at_ = 0;
    std::uint32_t mask_ = 0;
};

class Broken final : public TokenConstraint {
public:
    Result<std::span<const std::uint32_t>> allowed() override { return error(); }
    Result<void> accept(Token) override { return error(); }

private:
    static tl::unexpected<worker::Error> error() {
        return worker::fail(worker::ErrorCode::inference_failed, "the grammar is too much");
    }
};

TEST(Generation, says_what_its_grammar_allows_whatever_the_model_would) {
    GenerateJob rules;
    rules.constraint = std::make_unique<Spells>("ab");
    check({.says = letters("zzzzz"), .rules = std::move(rules)}, "'a' 'b' EOS 2");
}
TEST(Generation, the_grammar_alone_says_where_a_reply_may_end) {
    GenerateJob rules;
    rules.constraint = std::make_unique<Spells>("ab");
    rules.ignore_eos = true;
    rules.min_tokens = 10;
    check({.says = letters("zzzzz"), .rules = std::move(rules)}, "'a' 'b' EOS 2");
}
TEST(Generation, a_grammar_that_fails_fails_its_job) {
    GenerateJob rules;
    rules.constraint = std::make_unique<Broken>();
    check({.says = letters("z"), .rules = std::move(rules)}, "the grammar is too much");
}

TEST(Generation, tells_the_ids_of_the_tokens_of_each_piece) {
    GenerateJob rules;
    rules.detail = TokenDetail::ids;
    check({.says = letters("abcxy"), .stop = {"cd"}, .max_tokens = 5, .rules = std::move(rules)},
          "'a' 0,0 'b' 1,0 'cx' 2,0 23,0 'y' 24,0 MAX_TOKENS 5");
}
TEST(Generation, tells_logprobs_with_as_many_others_as_were_asked_for) {
    GenerateJob rules;
    rules.detail = TokenDetail::logprobs;
    rules.logprobs_top = 3;
    check({.says = letters("a"), .max_tokens = 1, .rules = std::move(rules)},
          "'a' 0,3 MAX_TOKENS 1");
}
TEST(Generation, a_prompts_own_logprobs_come_before_the_reply) {
    const ToyVocabulary vocabulary;
    GenerateJob job;
    job.prompt = letters("xyz");
    job.max_tokens = 1;
    job.detail = TokenDetail::logprobs;
    job.logprobs_top = 1;
    job.prompt_logprobs = true;
    Generation generation(worker::JobId{1}, SequenceId{0}, std::move(job), 100, vocabulary);
    SamplingWorkspace workspace;
    worker::Reports<TextOutput> reports;
    bool ended = false;
    while (!ended) {
        ASSERT_EQ(generation.rows_next(), 1u);
        ASSERT_TRUE(generation.wants_logits(1));
        generation.advance(1);
        std::vector<float> logits(vocabulary.size(), -1000.0f);
        logits[generation.length()] = 0;  // b, then c, then d
        ended = generation.sample(logits, workspace, {}, reports);
    }
    const auto& output = std::get<TextOutput>(reports.front().event);
    EXPECT_EQ(output.text, "d");
    ASSERT_EQ(output.prompt_details.size(), 3u);
    EXPECT_EQ(output.prompt_details[0].chosen.token, letters("x").front());
    EXPECT_TRUE(std::isnan(output.prompt_details[0].chosen.logprob));
    EXPECT_EQ(output.prompt_details[1].chosen.token, letters("y").front());
    EXPECT_EQ(output.prompt_details[1].chosen.logprob, -1000);
    EXPECT_EQ(output.prompt_details[1].top.front().token, letters("b").front());
    EXPECT_EQ(output.prompt_details[2].top.front().token, letters("c").front());
}

TEST(Generation, control_tokens_are_text_where_they_are_to_be_shown) {
    check({.says = {0, ToyVocabulary::control, 1}, .max_tokens = 3}, "'a' 'b' MAX_TOKENS 3");
    GenerateJob rules;
    rules.shown_controls = {ToyVocabulary::control};
    check({.says = {0, ToyVocabulary::control, 1}, .max_tokens = 3, .rules = std::move(rules)},
          "'a' '<control>' 'b' MAX_TOKENS 3");
}
TEST(Generation, what_could_have_become_a_stop_string_is_said_when_it_did_not) {
    check({.says = letters("abcxy"), .stop = {"cd"}, .max_tokens = 5},
          "'a' 'b' 'cx' 'y' MAX_TOKENS 5");
}
TEST(Generation, what_is_held_back_is_said_at_the_end) {
    check({.says = letters("abc"), .stop = {"cd"}, .max_tokens = 3}, "'a' 'b' 'c' MAX_TOKENS 3");
}
TEST(Generation, a_character_of_two_tokens_is_said_whole) {
    check({.says = {0, ToyVocabulary::e_acute_first, ToyVocabulary::e_acute_second, 1},
           .max_tokens = 4},
          "'a' 'é' 'b' MAX_TOKENS 4");
}
TEST(Generation, half_a_character_at_the_end_becomes_a_replacement_character) {
    check({.says = {0, ToyVocabulary::e_acute_first}, .max_tokens = 2},
          "'a' '\xEF\xBF\xBD' MAX_TOKENS 2");
}

}  // namespace
}  // namespace llm

#include "llama/text_model.h"

#include "llama/memory_needs.h"
#include "llama/test_model.h"
#include "llama/vocabulary.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace llama {
namespace {

using llm::ForwardError;
using llm::SequenceId;
using llm::Token;

constexpr SequenceId first{0};
constexpr SequenceId second{1};

Token likeliest(std::span<const float> logits) {
    return static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// How far the likeliest token is ahead of the next one.
float lead(std::span<const float> logits) {
    float best = -std::numeric_limits<float>::infinity();
    float runner_up = best;
    for (const float logit : logits) {
        runner_up = std::max(runner_up, std::min(best, logit));
        best = std::max(best, logit);
    }
    return best - runner_up;
}

struct Text {
    std::vector<Token> tokens;
    std::vector<float> leads;  // How clear the choice of each token was.
};

// The same text in another batch, or in other cells, is computed in another order, so that logits
// differ by rounding. Texts may part only where that can decide.
void expect_same_but_for_rounding(const Text& actual, const Text& expected) {
    ASSERT_EQ(actual.tokens.size(), expected.tokens.size());
    for (std::size_t i = 0; i < expected.tokens.size(); ++i) {
        if (actual.tokens[i] == expected.tokens[i]) continue;
        EXPECT_LT(expected.leads[i], 0.05F) << "at token " << i;
        return;  // What follows continues different texts.
    }
}

class TextModelTest : public RealModelTest {
protected:
    std::unique_ptr<TextModel> make(const TextModelOptions& options) {
        auto made = TextModel::create(test_library(), model(), options, interrupted_);
        EXPECT_TRUE(made.has_value()) << made.error().message;
        return std::move(*made);
    }

    std::unique_ptr<TextModel> make() {
        return make({.context_max = 512, .cells = 1024, .sequences_max = 4});
    }

    std::vector<Token> tokens_of(std::string_view text) const {
        return *Vocabulary(model()).tokenize(text, llm::SpecialTokens::as_text,
                                             llm::LeadingToken::as_model_wants);
    }

    // Computes `tokens` and then decodes `count` more, the likeliest each time.
    static Text generate(TextModel& text_model, SequenceId sequence, std::uint32_t position,
                         std::vector<Token> tokens, std::size_t count = 24) {
        Text text;
        while (text.tokens.size() < count) {
            const llm::Run run = {sequence, position, tokens, true};
            const auto logits = text_model.forward({&run, 1});
            if (!logits) break;
            position += static_cast<std::uint32_t>(tokens.size());
            tokens = {likeliest(logits->row(0))};
            text.tokens.push_back(tokens[0]);
            text.leads.push_back(lead(logits->row(0)));
        }
        return text;
    }

    // A prompt's cells without any output.
    static void prefill(TextModel& text_model, SequenceId sequence, std::uint32_t position,
                        const std::vector<Token>& tokens) {
        const llm::Run run = {sequence, position, tokens, false};
        const auto logits = text_model.forward({&run, 1});
        ASSERT_TRUE(logits.has_value());
        EXPECT_TRUE(logits->values.empty());
    }

    std::atomic<bool> interrupted_ = false;
    const std::string story = "Once upon a time, in a small village by the sea, there lived";
    const std::string list = "The first five prime numbers are 2, 3,";
};

TEST_F(TextModelTest, greedy_text_equals_that_of_a_bare_decode_loop) {
    std::vector<Token> tokens = tokens_of(story);
    const Text actual = generate(*make(), first, 0, tokens);

    llama_context_params params = llama_context_default_params();
    params.n_ctx = 1024;
    params.n_threads = 1;
    params.n_threads_batch = 1;
    llama_context* bare = llama_init_from_model(model()->handle(), params);
    std::vector<Token> expected;
    const std::size_t n_vocab = Vocabulary(model()).size();
    while (expected.size() < actual.tokens.size()) {
        const auto size = static_cast<std::int32_t>(tokens.size());
        ASSERT_EQ(llama_decode(bare, llama_batch_get_one(tokens.data(), size)), 0);
        tokens = {likeliest({llama_get_logits_ith(bare, -1), n_vocab})};
        expected.push_back(tokens[0]);
    }
    llama_free(bare);
    EXPECT_EQ(actual.tokens, expected);
}

TEST_F(TextModelTest, sequences_in_one_step_do_not_see_each_other) {
    const auto text_model = make();
    const std::vector<Token> prompts[] = {tokens_of(story), tokens_of(list)};
    const Text alone[] = {generate(*text_model, first, 0, prompts[0]),
                          generate(*text_model, second, 0, prompts[1])};
    text_model->release(first);
    text_model->release(second);

    Text together[2];
    std::vector<Token> next[] = {prompts[0], prompts[1]};
    std::uint32_t lengths[] = {0, 0};
    for (std::size_t i = 0; i < alone[0].tokens.size(); ++i) {
        const llm::Run runs[] = {{first, lengths[0], next[0], true},
                                 {second, lengths[1], next[1], true}};
        const auto logits = text_model->forward(runs);
        ASSERT_TRUE(logits.has_value());
        for (std::size_t s = 0; s < 2; ++s) {
            lengths[s] += static_cast<std::uint32_t>(next[s].size());
            next[s] = {likeliest(logits->row(s))};
            together[s].tokens.push_back(next[s][0]);
        }
    }
    expect_same_but_for_rounding(together[0], alone[0]);
    expect_same_but_for_rounding(together[1], alone[1]);
}

TEST_F(TextModelTest, a_prompt_may_come_in_parts) {
    const std::vector<Token> prompt = tokens_of(story);
    const Text whole = generate(*make(), first, 0, prompt);

    const auto text_model = make();
    prefill(*text_model, first, 0, {prompt.begin(), prompt.begin() + 5});
    const Text parts = generate(*text_model, first, 5, {prompt.begin() + 5, prompt.end()});
    expect_same_but_for_rounding(parts, whole);
}

TEST_F(TextModelTest, a_shared_prefix_continues_as_a_computed_one) {
    const std::vector<Token> prompt = tokens_of(story);
    const auto text_model = make();
    const Text computed = generate(*text_model, first, 0, prompt);

    // From the middle of a longer text, which is gone then.
    const std::uint32_t length = 9;
    ASSERT_TRUE(text_model->share_prefix(first, second, length));
    text_model->release(first);
    const Text shared =
        generate(*text_model, second, length, {prompt.begin() + length, prompt.end()});
    expect_same_but_for_rounding(shared, computed);
}

TEST_F(TextModelTest, shared_cells_are_taken_once) {
    const auto text_model = make({.context_max = 256, .cells = 256, .sequences_max = 4});
    prefill(*text_model, first, 0, std::vector<Token>(200, 1));
    ASSERT_TRUE(text_model->share_prefix(first, second, 200));
    prefill(*text_model, first, 200, std::vector<Token>(28, 2));
    prefill(*text_model, second, 200, std::vector<Token>(28, 3));
}

TEST_F(TextModelTest, truncating_forgets_what_came_after) {
    const std::vector<Token> prompt = tokens_of(story);
    const auto text_model = make();
    const Text before = generate(*text_model, first, 0, prompt);
    ASSERT_TRUE(text_model->truncate(first, 4));
    const Text after = generate(*text_model, first, 4, {prompt.begin() + 4, prompt.end()});
    expect_same_but_for_rounding(after, before);

    ASSERT_TRUE(text_model->truncate(first, 0));
    expect_same_but_for_rounding(generate(*text_model, first, 0, prompt), before);
}

TEST_F(TextModelTest, lack_of_cells_changes_nothing) {
    const auto text_model = make({.context_max = 256, .cells = 256, .sequences_max = 4});
    ASSERT_EQ(text_model->capabilities().cells, 256u);
    prefill(*text_model, first, 0, std::vector<Token>(200, 1));
    prefill(*text_model, second, 0, std::vector<Token>(50, 1));

    const std::vector<Token> five(5, 1);
    const llm::Run runs[] = {{first, 200, five, true}, {second, 50, five, true}};
    const auto refused = text_model->forward(runs);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error(), ForwardError::no_space);

    // Both still have the lengths that they had.
    prefill(*text_model, first, 200, std::vector<Token>(5, 1));
    prefill(*text_model, second, 50, std::vector<Token>(1, 1));
}

TEST_F(TextModelTest, restored_cells_continue_as_those_that_were_saved) {
    const std::vector<Token> prompt = tokens_of(story);
    const auto text_model = make();
    prefill(*text_model, first, 0, {prompt.begin(), prompt.end() - 1});
    const std::vector<std::byte> saved = text_model->save(first, 0);
    const auto length = static_cast<std::uint32_t>(prompt.size() - 1);
    const Text expected = generate(*text_model, first, length, {prompt.back()});
    text_model->release(first);

    ASSERT_TRUE(text_model->restore(second, 0, saved));
    expect_same_but_for_rounding(generate(*text_model, second, length, {prompt.back()}), expected);
}

TEST_F(TextModelTest, with_cells_for_all_contexts_each_sequence_has_its_own) {
    const std::vector<Token> prompt = tokens_of(story);
    const auto text_model = make({.context_max = 512, .cells = 2048, .sequences_max = 4});
    const llm::Capabilities& can = text_model->capabilities();
    EXPECT_EQ(can.prefix_sharing, llm::PrefixSharing::none);
    EXPECT_EQ(can.prefix_saving, llm::PrefixSaving::whole);
    EXPECT_EQ(can.context_max, 512u);
    EXPECT_EQ(can.cells, 2048u);

    // Any beginning of what was saved of one serves another.
    const Text expected = generate(*text_model, first, 0, prompt);
    const std::vector<std::byte> saved = text_model->save(first, 0);
    const std::uint32_t middle = 9;
    ASSERT_TRUE(text_model->restore(second, 0, saved));
    ASSERT_TRUE(text_model->truncate(second, middle));
    const Text restored =
        generate(*text_model, second, middle, {prompt.begin() + middle, prompt.end()});
    expect_same_but_for_rounding(restored, expected);
}

TEST_F(TextModelTest, cells_are_saved_and_restored_in_parts) {
    const std::vector<Token> prompt = tokens_of(story);
    const auto text_model = make();
    const Text expected = generate(*text_model, first, 0, prompt);
    const std::uint32_t middle = 5;
    const std::uint32_t end = 11;
    ASSERT_TRUE(text_model->truncate(first, end));
    const std::vector<std::byte> later = text_model->save(first, middle);
    ASSERT_TRUE(text_model->truncate(first, middle + 2));
    const std::vector<std::byte> earlier = text_model->save(first, 0);
    text_model->release(first);

    // The earlier part reaches into the later one, and is cut off there.
    ASSERT_TRUE(text_model->restore(second, 0, earlier));
    ASSERT_TRUE(text_model->truncate(second, middle));
    ASSERT_TRUE(text_model->restore(second, middle, later));
    const Text restored = generate(*text_model, second, end, {prompt.begin() + end, prompt.end()});
    expect_same_but_for_rounding(restored, expected);
}

TEST_F(TextModelTest, restoring_without_free_cells_fails_and_leaves_nothing) {
    const auto text_model = make({.context_max = 256, .cells = 256, .sequences_max = 4});
    prefill(*text_model, first, 0, std::vector<Token>(150, 1));
    const std::vector<std::byte> saved = text_model->save(first, 0);
    EXPECT_FALSE(text_model->restore(second, 0, saved));
    prefill(*text_model, second, 0, std::vector<Token>(100, 1));
}

TEST_F(TextModelTest, an_interrupted_step_ends_and_can_be_taken_back) {
    const std::vector<Token> prompt = tokens_of(story);
    const auto text_model = make();
    const Text expected = generate(*text_model, first, 0, prompt);
    text_model->release(first);
    prefill(*text_model, first, 0, {prompt.begin(), prompt.begin() + 4});

    interrupted_ = true;
    const llm::Run run = {first, 4, std::span(prompt).subspan(4), true};
    const auto aborted = text_model->forward({&run, 1});
    ASSERT_FALSE(aborted.has_value());
    EXPECT_EQ(aborted.error(), ForwardError::aborted);

    interrupted_ = false;
    ASSERT_TRUE(text_model->truncate(first, 4));
    const Text actual = generate(*text_model, first, 4, {prompt.begin() + 4, prompt.end()});
    expect_same_but_for_rounding(actual, expected);
}

TEST_F(TextModelTest, warming_up_leaves_nothing_behind) {
    const std::vector<Token> prompt = tokens_of(story);
    const auto text_model = make();
    ASSERT_TRUE(text_model->warm_up().has_value());
    test_library().enter(Phase::loading);
    expect_same_but_for_rounding(generate(*text_model, first, 0, prompt),
                                 generate(*make(), first, 0, prompt));
}

TEST_F(TextModelTest, says_what_it_can_and_what_it_holds) {
    const TextModelOptions options = {
        .context_max = 512, .cells = 1000, .sequences_max = 4, .rows_max = 64};
    const auto text_model = make(options);
    const llm::Capabilities& can = text_model->capabilities();
    EXPECT_EQ(can.vocabulary_size, Vocabulary(model()).size());
    EXPECT_EQ(can.context_max, 512u);
    EXPECT_EQ(can.cells, 1024u);
    EXPECT_EQ(can.sequences_max, 4u);
    EXPECT_EQ(can.rows_max, 64u);
    EXPECT_EQ(can.prefix_sharing, llm::PrefixSharing::any_length);

    const auto facts = worker::inspect_model({*environment("RBEE_TEST_MODEL")},
                                             {worker::generates_text, "generates text"});
    ASSERT_TRUE(facts.has_value()) << facts.error().message;
    const MemoryNeeds needs = memory_needs(*facts, options);
    EXPECT_EQ(text_model->device_bytes(), 0u);
    EXPECT_GT(text_model->host_bytes(), model()->buffers().host + needs.kv);
    EXPECT_LT(text_model->host_bytes(), needs.total());
}

TEST_F(TextModelTest, takes_keys_and_values_in_eight_bits) {
    const auto text_model =
        make({.context_max = 512, .cells = 512, .kv_type = *find_kv_type("q8_0")});
    EXPECT_EQ(generate(*text_model, first, 0, tokens_of(list)).tokens.size(), 24u);
}

}  // namespace
}  // namespace llama

#include "cpu/text_model.h"

#include "tests/support/whole_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

namespace cpu {
namespace {

using llm::ForwardError;
using llm::SequenceId;
using llm::Token;
using worker::whole_model;
using Is = worker::WholeModelSizes;

constexpr SequenceId first{0};
constexpr SequenceId second{1};

class CpuTextModelTest : public testing::Test {
protected:
    // For two sequences. There are pages for the cells and two more a sequence.
    void load(std::uint32_t cells, std::string_view family = "llama") {
        const auto files = ModelFiles::read(worker::one_source(whole_model(family)));
        ASSERT_TRUE(files);
        auto loaded = TextModel::load(
            *files,
            {.context_max = Is::context,
             .cells = cells,
             .sequences_max = 2,
             .rows_max = 256,
             .threads = 2},
            [](double) { return true; }, interrupted_);
        ASSERT_TRUE(loaded) << loaded.error().message;
        model_ = std::move(*loaded);
    }

    static std::vector<Token> text(std::size_t length) {
        std::vector<Token> tokens(length);
        for (std::size_t i = 0; i < length; ++i)
            tokens[i] = static_cast<Token>((i * 31 + i / 7) % Is::vocabulary);
        return tokens;
    }

    // Logits after tokens [from, to) of `text`.
    std::vector<float> go_on(SequenceId sequence, std::uint32_t from, std::uint32_t to) {
        const std::vector<Token> tokens = text(to);
        const llm::Run run{sequence, from, std::span(tokens).subspan(from), true};
        const auto logits = model_->forward({&run, 1});
        EXPECT_TRUE(logits);
        return logits ? std::vector<float>(logits->values.begin(), logits->values.end())
                      : std::vector<float>{};
    }

    std::atomic<bool> interrupted_ = false;
    std::unique_ptr<TextModel> model_;
};

TEST_F(CpuTextModelTest, says_what_it_can) {
    load(256);
    const llm::Capabilities& can = model_->capabilities();
    EXPECT_EQ(can.vocabulary_size, Is::vocabulary);
    EXPECT_EQ(can.context_max, Is::context);
    EXPECT_EQ(can.sequences_max, 2U);
    EXPECT_EQ(can.cells, 256U);
    EXPECT_EQ(can.rows_max, 256U);
    EXPECT_EQ(can.output_rows_max, 2U);
    EXPECT_EQ(can.prefix_sharing, llm::PrefixSharing::any_length);
    EXPECT_EQ(can.prefix_saving, llm::PrefixSaving::parts);
    EXPECT_EQ(can.truncation, llm::Truncation::any_length);
    EXPECT_EQ(model_->device_bytes(), 0U);
}

TEST_F(CpuTextModelTest, counts_weights_and_pages_as_memory_of_the_host) {
    load(64);
    const std::uint64_t few = model_->host_bytes();
    load(64 + 320);
    constexpr std::uint64_t token_bytes =
        std::uint64_t{2} * 2 * Is::layers * Is::heads_kv * Is::head_dim;
    EXPECT_EQ(model_->host_bytes(), few + 320 * token_bytes);
}

TEST_F(CpuTextModelTest, every_family_gives_finite_logits_that_depend_on_the_text) {
    for (const std::string_view family : worker::whole_model_families) {
        SCOPED_TRACE(family);
        load(256, family);
        const std::vector<float> logits = go_on(first, 0, 40);
        ASSERT_EQ(logits.size(), Is::vocabulary);
        EXPECT_TRUE(std::all_of(logits.begin(), logits.end(),
                                [](float logit) { return std::isfinite(logit); }));
        EXPECT_NE(logits, go_on(second, 0, 41));
    }
}

TEST_F(CpuTextModelTest, a_row_of_logits_for_each_run_that_wants_one) {
    load(256);
    const std::vector<float> expected = go_on(first, 0, 9);
    model_->release(first);
    const std::vector<Token> tokens = text(9);
    const llm::Run runs[] = {{first, 0, tokens, false}, {second, 0, tokens, true}};
    const auto logits = model_->forward(runs);
    ASSERT_TRUE(logits);
    EXPECT_EQ(logits->vocabulary_size, Is::vocabulary);
    EXPECT_THAT(logits->values, testing::ElementsAreArray(expected));
}

TEST_F(CpuTextModelTest, a_step_without_outputs_is_remembered_too) {
    load(256);
    const std::vector<float> expected = go_on(first, 0, 40);
    const std::vector<Token> tokens = text(39);
    const llm::Run silent{second, 0, tokens, false};
    const auto nothing = model_->forward({&silent, 1});
    ASSERT_TRUE(nothing);
    EXPECT_TRUE(nothing->values.empty());
    EXPECT_EQ(go_on(second, 39, 40), expected);
}

TEST_F(CpuTextModelTest, where_there_is_no_space_nothing_has_changed) {
    load(64);
    go_on(first, 0, 30);
    const std::vector<Token> tokens = text(256);
    // The first run fits, both do not.
    const llm::Run runs[] = {{first, 30, std::span(tokens).subspan(30, 70), true},
                             {second, 0, std::span(tokens).first(150), true}};
    const auto refused = model_->forward(runs);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), ForwardError::no_space);
    const std::vector<float> expected = go_on(second, 0, 50);
    EXPECT_EQ(go_on(first, 30, 50), expected);
}

TEST_F(CpuTextModelTest, an_interrupted_step_is_given_up) {
    load(256);
    go_on(first, 0, 20);
    interrupted_ = true;
    const std::vector<Token> tokens = text(40);
    const llm::Run run{first, 20, std::span(tokens).subspan(20), true};
    const auto aborted = model_->forward({&run, 1});
    ASSERT_FALSE(aborted);
    EXPECT_EQ(aborted.error(), ForwardError::aborted);
    // The caller forgets what it was told to compute, and goes on.
    interrupted_ = false;
    ASSERT_TRUE(model_->truncate(first, 20));
    EXPECT_EQ(go_on(first, 20, 40), go_on(second, 0, 40));
}

TEST_F(CpuTextModelTest, a_warm_up_leaves_nothing_behind) {
    load(64);
    ASSERT_TRUE(model_->warm_up());
    EXPECT_EQ(go_on(first, 0, 33), go_on(second, 0, 33));
}

TEST_F(CpuTextModelTest, a_warm_up_ends_where_the_worker_does) {
    load(64);
    interrupted_ = true;
    const auto warm = model_->warm_up();
    ASSERT_FALSE(warm);
    EXPECT_EQ(warm.error().code, worker::ErrorCode::cancelled);
}

TEST_F(CpuTextModelTest, a_shared_beginning_goes_on_in_both) {
    load(256);
    const std::vector<float> expected = go_on(first, 0, 70);
    ASSERT_TRUE(model_->share_prefix(first, second, 45));
    ASSERT_TRUE(model_->truncate(first, 50));
    EXPECT_EQ(go_on(second, 45, 70), expected);
    EXPECT_EQ(go_on(first, 50, 70), expected);
}

TEST_F(CpuTextModelTest, a_saved_end_is_restored_behind_the_same_text) {
    load(256);
    const std::vector<float> expected = go_on(first, 0, 70);
    const std::vector<std::byte> saved = model_->save(first, 35);
    ASSERT_TRUE(model_->share_prefix(first, second, 35));
    model_->release(first);
    ASSERT_TRUE(model_->restore(second, 35, saved));
    ASSERT_TRUE(model_->truncate(second, 69));
    EXPECT_EQ(go_on(second, 69, 70), expected);
}

TEST_F(CpuTextModelTest, what_finds_no_space_is_not_restored) {
    load(64);
    go_on(first, 0, 100);
    const std::vector<std::byte> saved = model_->save(first, 0);
    go_on(second, 0, 40);
    EXPECT_FALSE(model_->restore(second, 40, saved));
    model_->release(first);
    EXPECT_EQ(go_on(second, 40, 50), go_on(first, 0, 50));
}

TEST(CpuTextModelLoadTest, what_is_not_supported_is_not_loaded) {
    const std::atomic<bool> interrupted = false;
    const auto files =
        ModelFiles::read(worker::one_source(whole_model().string("general.architecture", "gemma")));
    ASSERT_TRUE(files);
    const auto loaded = TextModel::load(
        *files, {.context_max = 64, .cells = 64}, [](double) { return true; }, interrupted);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, worker::ErrorCode::model_unsupported);
}

TEST(CpuTextModelLoadTest, a_load_is_given_up_where_progress_says_so) {
    const std::atomic<bool> interrupted = false;
    const auto files = ModelFiles::read(worker::one_source(whole_model()));
    ASSERT_TRUE(files);
    const auto loaded = TextModel::load(
        *files, {.context_max = 64, .cells = 64}, [](double) { return false; }, interrupted);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, worker::ErrorCode::cancelled);
}

}  // namespace
}  // namespace cpu

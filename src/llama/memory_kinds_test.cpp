// How models remember that keep less than every token: generated ones, so that no file is needed.
#include "llama/library.h"
#include "llama/text_model.h"
#include "llama/tiny_models.h"
#include "tests/support/temporary_file.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <vector>

namespace llama {
namespace {

using llm::SequenceId;
using llm::Token;

constexpr SequenceId first{0};
constexpr SequenceId second{1};
constexpr SequenceId third{2};

class MemoryKindsTest : public testing::Test {
protected:
    void load(void (*write)(const std::filesystem::path&)) {
        const worker::TemporaryFile file("memory_kind.gguf");
        write(file.path());
        auto loaded = load_model(library_, {.paths = {file.path()}}, [](double) { return true; });
        ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
        model_ = std::move(*loaded);
        text_model_ = make();
    }

    std::unique_ptr<TextModel> make() {
        auto made = TextModel::create(
            library_, model_, {.context_max = 256, .cells = 256, .sequences_max = 4}, interrupted_);
        EXPECT_TRUE(made.has_value()) << made.error().message;
        return std::move(*made);
    }

    // The tokens from `begin` to `end` of one text, the same for every sequence.
    static std::vector<Token> text(int begin, int end) {
        std::vector<Token> tokens(static_cast<std::size_t>(end - begin));
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            tokens[i] = static_cast<Token>((begin + static_cast<int>(i)) * 7 % 256);
        }
        return tokens;
    }

    static std::vector<float> compute(TextModel& text_model, SequenceId sequence, int begin,
                                      int end) {
        const std::vector<Token> tokens = text(begin, end);
        const llm::Run run = {sequence, static_cast<std::uint32_t>(begin), tokens, true};
        const auto logits = text_model.forward({&run, 1});
        EXPECT_TRUE(logits.has_value());
        if (!logits) return {};
        return {logits->values.begin(), logits->values.end()};
    }
    std::vector<float> compute(SequenceId sequence, int begin, int end) {
        return compute(*text_model_, sequence, begin, end);
    }

    // The logits after the text's first `end` tokens are those that a model gives which computed
    // all of it at once, but for rounding; the logits reach from -4 to 4.
    void expect_logits_at(int end, const std::vector<float>& actual) {
        const std::vector<float> expected = compute(*make(), first, 0, end);
        ASSERT_EQ(actual.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            ASSERT_NEAR(actual[i], expected[i], 0.02) << "token " << i;
        }
    }

    const std::atomic<bool> interrupted_ = false;
    Library library_{nullptr};
    std::shared_ptr<const Model> model_;
    std::unique_ptr<TextModel> text_model_;
};

TEST_F(MemoryKindsTest, a_state_is_shared_and_forgotten_as_a_whole) {
    load(write_recurrent_model);
    const llm::Capabilities& can = text_model_->capabilities();
    EXPECT_EQ(can.prefix_sharing, llm::PrefixSharing::whole_sequence);
    EXPECT_EQ(can.truncation, llm::Truncation::none);
    EXPECT_EQ(can.prefix_saving, llm::PrefixSaving::state);

    compute(first, 0, 20);
    ASSERT_TRUE(text_model_->share_prefix(first, second, 20));
    expect_logits_at(30, compute(first, 20, 30));
    expect_logits_at(40, compute(second, 20, 40));

    EXPECT_FALSE(text_model_->truncate(first, 10));
    EXPECT_TRUE(text_model_->truncate(first, 30));
    expect_logits_at(31, compute(first, 30, 31));
    text_model_->release(first);
    expect_logits_at(12, compute(first, 0, 12));
}

TEST_F(MemoryKindsTest, a_state_can_be_saved_and_restored) {
    load(write_recurrent_model);
    compute(first, 0, 20);
    const std::vector<std::byte> saved = text_model_->save(first, 0);
    text_model_->release(first);
    ASSERT_TRUE(text_model_->restore(second, 0, saved));
    expect_logits_at(25, compute(second, 20, 25));
}

TEST_F(MemoryKindsTest, a_sliding_window_keeps_everything_while_there_is_room) {
    load(write_sliding_window_model);
    EXPECT_EQ(text_model_->capabilities().prefix_sharing, llm::PrefixSharing::any_length);
    compute(first, 0, 100);
    ASSERT_TRUE(text_model_->share_prefix(first, second, 40));
    expect_logits_at(50, compute(second, 40, 50));
    ASSERT_TRUE(text_model_->truncate(first, 60));
    expect_logits_at(70, compute(first, 60, 70));
}

TEST_F(MemoryKindsTest, a_sliding_window_says_when_it_has_given_cells_away) {
    load(write_sliding_window_model);
    // Cells in the order of taking: 100 of the first, 50 of the second. The third then takes the
    // 100 that are free again, and next the second's behind its window.
    compute(first, 0, 100);
    compute(second, 0, 50);
    text_model_->release(first);
    compute(third, 0, 130);

    EXPECT_FALSE(text_model_->truncate(second, 25));
    EXPECT_FALSE(text_model_->share_prefix(second, first, 25));
    // Where it stands nothing is missing.
    ASSERT_TRUE(text_model_->share_prefix(second, first, 50));
    expect_logits_at(60, compute(first, 50, 60));
    expect_logits_at(55, compute(second, 50, 55));
    expect_logits_at(131, compute(third, 130, 131));
}

}  // namespace
}  // namespace llama

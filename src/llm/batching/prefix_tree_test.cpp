#include "llm/batching/prefix_tree.h"

#include "tests/support/toy_model.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace llm {
namespace {

using Tokens = std::vector<Token>;

constexpr SequenceId first{0};
constexpr SequenceId second{1};
constexpr std::uint64_t plenty = 1u << 20;

Capabilities capabilities(PrefixSaving saving) {
    return {.context_max = 1000,
            .sequences_max = 2,
            .cells = 10'000,
            .rows_max = 1000,
            .output_rows_max = 2,
            .prefix_saving = saving};
}

// `count` times the token.
Tokens many(std::size_t count, Token token) {
    return Tokens(count, token);
}

Tokens operator+(Tokens a, const Tokens& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

class Kept {
public:
    explicit Kept(std::uint64_t bytes_max = plenty, PrefixSaving saving = PrefixSaving::parts)
        : model(capabilities(saving)), tree(model, bytes_max) {}

    // Has the model compute the text, keeps it, and releases it.
    void keep(const Tokens& tokens, const std::string& scope = "") {
        const Run run{first, 0, tokens, false};
        ASSERT_TRUE(model.forward({&run, 1}));
        tree.keep(scope, tokens, first);
        model.release(first);
    }

    // What is restored of a text, which is the beginning of it.
    std::size_t restored(const Tokens& tokens, const std::string& scope = "") {
        std::uint32_t length = 0;
        while (true) {
            const std::uint32_t longer = tree.restore(scope, tokens, {second, length, 10'000});
            if (longer == length) break;
            length = longer;
        }
        const Tokens cells = model.tokens(second);
        model.release(second);
        EXPECT_EQ(cells, Tokens(tokens.begin(), tokens.begin() + length));
        EXPECT_EQ(tree.find(scope, tokens), length);
        return length;
    }

    ToyModel model;
    PrefixTree tree;
};

TEST(PrefixTree, gives_back_what_a_text_begins_with) {
    Kept kept;
    kept.keep(many(100, 1));
    EXPECT_EQ(kept.restored(many(100, 1) + many(10, 2)), 100u);
    EXPECT_EQ(kept.restored(many(60, 1) + many(10, 2)), 60u);
    EXPECT_EQ(kept.restored(many(100, 2)), 0u);
}

TEST(PrefixTree, leaves_the_last_token_to_be_computed) {
    Kept kept;
    kept.keep(many(100, 1));
    EXPECT_EQ(kept.restored(many(100, 1)), 99u);
}

TEST(PrefixTree, a_text_goes_on_from_another) {
    Kept kept;
    kept.keep(many(100, 1));
    const std::uint64_t before = kept.tree.bytes();
    kept.keep(many(100, 1) + many(50, 2));
    EXPECT_EQ(kept.tree.bytes() - before, 50 * sizeof(Token));
    EXPECT_EQ(kept.restored(many(100, 1) + many(50, 2) + many(1, 3)), 150u);
}

TEST(PrefixTree, a_text_goes_on_from_the_middle_of_another) {
    Kept kept;
    kept.keep(many(100, 1));
    kept.keep(many(10, 1) + many(50, 2));
    EXPECT_EQ(kept.restored(many(10, 1) + many(50, 2) + many(1, 3)), 60u);
    EXPECT_EQ(kept.restored(many(100, 1) + many(1, 3)), 100u);
}

TEST(PrefixTree, little_that_is_new_is_not_kept) {
    Kept kept;
    kept.keep(many(100, 1));
    const std::uint64_t before = kept.tree.bytes();
    kept.keep(many(100, 1) + many(PrefixTree::length_min - 1, 2));
    kept.keep(many(PrefixTree::length_min - 1, 3));
    EXPECT_EQ(kept.tree.bytes(), before);
}

TEST(PrefixTree, little_of_a_long_text_is_not_copied) {
    Kept kept;
    kept.keep(many(100, 1));
    EXPECT_EQ(kept.restored(many(PrefixTree::length_min - 1, 1) + many(10, 2)), 0u);
}

TEST(PrefixTree, scopes_share_nothing) {
    Kept kept;
    kept.keep(many(100, 1), "alice");
    EXPECT_EQ(kept.restored(many(101, 1), "bob"), 0u);
    EXPECT_EQ(kept.restored(many(101, 1), "alice"), 100u);
}

TEST(PrefixTree, forgets_the_least_recently_used_first) {
    Kept kept(300 * sizeof(Token));
    kept.keep(many(100, 1));
    kept.keep(many(100, 2));
    kept.keep(many(100, 3));
    kept.keep(many(100, 1));  // in use again
    kept.keep(many(100, 4));
    EXPECT_EQ(kept.restored(many(101, 2)), 0u);
    EXPECT_EQ(kept.restored(many(101, 1)), 100u);
    EXPECT_EQ(kept.restored(many(101, 4)), 100u);
}

TEST(PrefixTree, a_text_outlives_those_that_go_on_from_it) {
    Kept kept(250 * sizeof(Token));
    kept.keep(many(100, 1));
    kept.keep(many(100, 1) + many(100, 2));
    kept.keep(many(100, 3));
    EXPECT_EQ(kept.restored(many(100, 1) + many(101, 2)), 100u);
}

TEST(PrefixTree, a_text_larger_than_all_room_is_not_kept) {
    Kept kept(50 * sizeof(Token));
    kept.keep(many(100, 1));
    EXPECT_EQ(kept.tree.bytes(), 0u);
    EXPECT_EQ(kept.restored(many(101, 1)), 0u);
}

TEST(PrefixTree, no_more_is_restored_than_there_are_cells) {
    Kept kept;
    kept.keep(many(100, 1));
    EXPECT_EQ(kept.tree.restore("", many(101, 1), {second, 0, 99}), 0u);
    EXPECT_TRUE(kept.model.tokens(second).empty());
}

TEST(PrefixTree, a_state_is_used_by_texts_that_begin_with_all_of_it) {
    Kept kept(plenty, PrefixSaving::state);
    kept.keep(many(100, 1));
    kept.keep(many(100, 1) + many(50, 2));
    EXPECT_EQ(kept.restored(many(100, 1) + many(50, 2) + many(1, 3)), 150u);
    EXPECT_EQ(kept.restored(many(100, 1) + many(49, 2)), 100u);
    EXPECT_EQ(kept.restored(many(100, 1)), 0u);
}

TEST(PrefixTree, a_text_that_is_saved_as_a_whole_serves_any_beginning) {
    Kept kept(plenty, PrefixSaving::whole);
    kept.keep(many(100, 1) + many(50, 2));
    EXPECT_EQ(kept.restored(many(100, 1) + many(10, 3)), 100u);
    kept.keep(many(100, 1) + many(50, 3));
    EXPECT_EQ(kept.restored(many(100, 1) + many(51, 3)), 150u);
    EXPECT_EQ(kept.restored(many(100, 1) + many(51, 2)), 150u);
}

TEST(PrefixTree, nothing_is_kept_of_a_model_that_cannot_save) {
    Kept kept(plenty, PrefixSaving::none);
    kept.keep(many(100, 1));
    EXPECT_EQ(kept.tree.bytes(), 0u);
}

RC_GTEST_PROP(PrefixTree, never_gives_back_what_was_not_there, ()) {
    const auto saving = *rc::gen::element(PrefixSaving::parts, PrefixSaving::whole,
                                          PrefixSaving::state, PrefixSaving::none);
    Kept kept(*rc::gen::inRange<std::uint64_t>(0, 4000), saving);
    // Few tokens and long runs of them, so that texts have much in common.
    const auto text = [] {
        Tokens tokens;
        const int runs = *rc::gen::inRange(1, 5);
        for (int i = 0; i < runs; ++i)
            tokens = tokens + many(*rc::gen::inRange<std::size_t>(1, 80), *rc::gen::inRange(0, 2));
        return tokens;
    };
    for (int i = 0; i < 30; ++i) {
        kept.keep(text());
        RC_ASSERT(kept.tree.bytes() <= 4000u);
        const Tokens wanted = text();
        RC_ASSERT(kept.restored(wanted) < wanted.size());
    }
}

}  // namespace
}  // namespace llm

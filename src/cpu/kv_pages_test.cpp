#include "cpu/kv_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace cpu {
namespace {

using llm::SequenceId;

constexpr std::uint32_t layers = 2;
constexpr std::uint32_t heads = 2;
constexpr std::uint32_t head_dim = 16;
constexpr std::uint32_t token_bytes = layers * heads * head_dim * 4;

KvPages::Shape shape(std::uint32_t cells, std::uint32_t sequences_max) {
    return {.layers = layers,
            .heads = heads,
            .head_dim = head_dim,
            .cells = cells,
            .sequences_max = sequences_max};
}

struct Cell {
    std::uint32_t id;       // sequences that share a cell have the same
    std::uint32_t content;  // what it was filled from; the same after it was saved and restored
};

// Pages, and beside them what should be in each sequence's cells.
class Checked {
public:
    Checked(std::uint32_t cells, std::uint32_t sequences_max)
        : pages(shape(cells, sequences_max)), texts(sequences_max) {}

    [[nodiscard]] bool grow(std::uint32_t sequence, std::uint32_t count) {
        if (!pages.grow(SequenceId(sequence), count)) return false;
        for (std::uint32_t i = 0; i < count; ++i) {
            texts[sequence].push_back({.id = next_id_, .content = next_id_});
            ++next_id_;
            each_number(sequence, static_cast<std::uint32_t>(texts[sequence].size()) - 1,
                        [](std::uint16_t& number, std::uint16_t wanted) { number = wanted; });
        }
        return true;
    }

    void share(std::uint32_t from, std::uint32_t to, std::uint32_t length) {
        pages.share(SequenceId(from), SequenceId(to), length);
        texts[to].assign(texts[from].begin(), texts[from].begin() + length);
    }

    void truncate(std::uint32_t sequence, std::uint32_t length) {
        pages.truncate(SequenceId(sequence), length);
        texts[sequence].resize(length);
    }

    // Into a sequence that begins alike, perhaps the same one.
    void restore(std::uint32_t sequence, std::uint32_t from, const std::vector<Cell>& cells,
                 const std::vector<std::byte>& saved) {
        EXPECT_EQ(saved.size(), (cells.size() - from) * token_bytes);
        EXPECT_TRUE(pages.restore(SequenceId(sequence), from, saved));
        for (std::size_t i = from; i < cells.size(); ++i)
            texts[sequence].push_back({.id = next_id_++, .content = cells[i].content});
    }

    std::uint32_t cells_used() const {
        std::set<std::uint32_t> ids;
        for (const auto& text : texts)
            for (const Cell& cell : text) ids.insert(cell.id);
        return static_cast<std::uint32_t>(ids.size());
    }

    void check() {
        for (std::uint32_t sequence = 0; sequence < texts.size(); ++sequence) {
            ASSERT_EQ(pages.length(SequenceId(sequence)), texts[sequence].size());
            std::uint32_t wrong = 0;
            for (std::uint32_t position = 0; position < texts[sequence].size(); ++position)
                each_number(sequence, position, [&](std::uint16_t number, std::uint16_t wanted) {
                    wrong += number != wanted ? 1 : 0;
                });
            ASSERT_EQ(wrong, 0) << "in sequence " << sequence;
        }
    }

    KvPages pages;
    std::vector<std::vector<Cell>> texts;

private:
    // visit(number in the page, number that belongs there)
    template <typename Visit>
    void each_number(std::uint32_t sequence, std::uint32_t position, Visit visit) {
        std::uint32_t wanted = texts[sequence][position].content * 7919;
        for (std::uint32_t i = 0; i < layers * heads; ++i) {
            const HeadPage page =
                pages.head(SequenceId(sequence), position / page_tokens, i / heads, i % heads);
            const std::uint32_t token = position % page_tokens;
            for (std::uint32_t d = 0; d < head_dim; ++d) {
                visit(page.keys[d * page_tokens + token], static_cast<std::uint16_t>(++wanted));
                visit(page.values[token * head_dim + d], static_cast<std::uint16_t>(++wanted));
            }
        }
    }

    std::uint32_t next_id_ = 1;
};

TEST(KvPages, a_shared_prefix_is_the_same_memory) {
    Checked checked(256, 2);
    ASSERT_TRUE(checked.grow(0, 70));
    checked.share(0, 1, 50);
    checked.check();
    for (const std::uint32_t index : {0U, 1U})
        EXPECT_EQ(checked.pages.head(SequenceId(0), index, 1, 1).keys,
                  checked.pages.head(SequenceId(1), index, 1, 1).keys);
}

TEST(KvPages, growing_leaves_a_shared_page_to_the_others) {
    Checked checked(256, 3);
    ASSERT_TRUE(checked.grow(0, 40));
    checked.share(0, 1, 40);
    checked.share(0, 2, 35);
    ASSERT_TRUE(checked.grow(0, 3));
    ASSERT_TRUE(checked.grow(2, 1));
    checked.truncate(1, 33);
    ASSERT_TRUE(checked.grow(1, 30));
    checked.check();
}

TEST(KvPages, a_page_of_its_own_is_written_in_place) {
    Checked checked(256, 2);
    ASSERT_TRUE(checked.grow(0, 40));
    checked.share(0, 1, 40);
    checked.truncate(1, 0);
    const HeadPage before = checked.pages.head(SequenceId(0), 1, 0, 0);
    checked.truncate(0, 33);
    ASSERT_TRUE(checked.grow(0, 1));
    EXPECT_EQ(checked.pages.head(SequenceId(0), 1, 0, 0).keys, before.keys);
}

TEST(KvPages, pages_given_back_are_taken_before_untouched_ones) {
    Checked checked(1024, 1);
    ASSERT_TRUE(checked.grow(0, 64));
    const HeadPage before = checked.pages.head(SequenceId(0), 0, 0, 0);
    checked.truncate(0, 0);
    ASSERT_TRUE(checked.grow(0, 1));
    EXPECT_EQ(checked.pages.head(SequenceId(0), 0, 0, 0).keys, before.keys);
}

TEST(KvPages, growing_beyond_the_pages_changes_nothing) {
    Checked checked(64, 2);
    ASSERT_TRUE(checked.grow(0, 40));
    checked.share(0, 1, 40);
    const std::vector<std::byte> saved = checked.pages.save(SequenceId(0), 0);
    // Six pages: two are shared, and growing into the second takes one more.
    EXPECT_FALSE(checked.pages.grow(SequenceId(1), 5 * 32));
    checked.check();
    ASSERT_TRUE(checked.grow(1, 24 + 3 * 32));
    EXPECT_FALSE(checked.pages.grow(SequenceId(0), 25));
    checked.truncate(0, 0);
    EXPECT_FALSE(checked.pages.restore(SequenceId(0), 0, saved));
    checked.check();
}

TEST(KvPages, saved_cells_come_back_from_any_position_on) {
    for (const std::uint32_t from : {0U, 1U, 31U, 32U, 40U, 64U, 99U, 100U}) {
        Checked checked(320, 2);
        ASSERT_TRUE(checked.grow(0, 100));
        const std::vector<Cell> cells = checked.texts[0];
        const std::vector<std::byte> saved = checked.pages.save(SequenceId(0), from);
        checked.share(0, 1, from);
        checked.truncate(0, from);
        checked.restore(0, from, cells, saved);
        checked.restore(1, from, cells, saved);
        checked.check();
    }
}

// The dearest spread: each text has a full page and a begun one of its own, with two cells of its
// own.
TEST(KvPages, suffice_for_texts_that_part_just_before_a_page_ends) {
    constexpr std::uint32_t texts = 16;
    Checked checked(31 + 2 * texts, texts);
    ASSERT_TRUE(checked.grow(0, 31));
    for (std::uint32_t text = 1; text < texts; ++text) checked.share(0, text, 31);
    for (std::uint32_t text = 0; text < texts; ++text) ASSERT_TRUE(checked.grow(text, 2));
    checked.check();
}

// One random thing, as far as it is allowed. All cells can be used, however they are spread.
void act(Checked& checked, std::uint32_t cells, std::mt19937& random) {
    const auto below = [&](std::size_t limit) {
        return static_cast<std::uint32_t>(random() % limit);
    };
    const std::uint32_t one = below(checked.texts.size());
    const std::uint32_t other = below(checked.texts.size());
    const auto length = static_cast<std::uint32_t>(checked.texts[one].size());
    switch (below(8)) {
        case 0: checked.truncate(one, 0); break;
        case 1: checked.truncate(one, below(length + 1)); break;
        case 2: {
            const std::uint32_t from = below(length + 1);
            const std::vector<Cell> before = checked.texts[one];
            const std::vector<std::byte> saved = checked.pages.save(SequenceId(one), from);
            checked.truncate(one, from);
            if (checked.cells_used() + length - from <= cells)
                checked.restore(one, from, before, saved);
            break;
        }
        case 3:
        case 4:
            if (one == other) break;
            checked.truncate(other, 0);
            checked.share(one, other, length - std::min(length, below(20)));
            break;
        default: {
            const std::uint32_t left = cells - checked.cells_used();
            const std::uint32_t most = random() % 4 == 0 ? left : std::min(left, 5U);
            ASSERT_TRUE(checked.grow(one, below(most + 1)));
        }
    }
}

TEST(KvPages, hold_what_each_sequence_put_there_and_all_cells_whichever_way_they_are_spread) {
    for (std::uint32_t seed = 0; seed < 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const std::uint32_t cells = 33 + seed * 3;
        Checked checked(cells, 2 + seed % 7);
        for (int i = 0; i < 300; ++i) {
            act(checked, cells, random);
            if (testing::Test::HasFatalFailure()) return;
            checked.check();
            if (testing::Test::HasFatalFailure()) return;
        }
    }
}

}  // namespace
}  // namespace cpu

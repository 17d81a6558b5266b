#include "llm/batching/cell_ledger.h"

#include <gtest/gtest.h>

namespace llm {
namespace {

constexpr SequenceId first{0};
constexpr SequenceId second{1};

class CellLedgerTest : public testing::Test {
protected:
    CellLedger ledger{{.sequences_max = 3, .cells = 100}};
};

TEST_F(CellLedgerTest, every_cell_is_free_at_first) {
    EXPECT_EQ(ledger.free(), 100u);
    EXPECT_EQ(ledger.used(), 0u);
}

TEST_F(CellLedgerTest, a_shared_cell_counts_once) {
    ledger.grow(first, 30);
    ledger.share(first, second, 20);
    EXPECT_EQ(ledger.used(), 30u);
    ledger.grow(second, 5);
    EXPECT_EQ(ledger.used(), 35u);
}

TEST_F(CellLedgerTest, a_shared_cell_is_free_when_the_last_one_lets_go) {
    ledger.grow(first, 30);
    ledger.share(first, second, 20);
    ledger.truncate(first, 0);
    EXPECT_EQ(ledger.used(), 20u);
    ledger.truncate(second, 15);
    EXPECT_EQ(ledger.used(), 15u);
    ledger.truncate(second, 0);
    EXPECT_EQ(ledger.free(), 100u);
}

}  // namespace
}  // namespace llm

#include "llm/batching/cell_ledger.h"

#include "worker/base/assert.h"

namespace llm {

CellLedger::CellLedger(const Capabilities& capabilities)
    : cells_(capabilities.cells), sequences_(capabilities.sequences_max) {}

void CellLedger::grow(SequenceId sequence, std::uint32_t count) {
    std::vector<Cell>& cells = at(sequence);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (free_.empty()) {
            free_.push_back(static_cast<Cell>(holders_.size()));
            holders_.push_back(0);
        }
        cells.push_back(free_.back());
        holders_[free_.back()] = 1;
        free_.pop_back();
    }
    used_ += count;
}

void CellLedger::share(SequenceId from, SequenceId to, std::uint32_t length) {
    const std::vector<Cell>& shared = at(from);
    WORKER_ASSERT(at(to).empty() && length <= shared.size());
    at(to).assign(shared.begin(), shared.begin() + length);
    for (const Cell cell : at(to)) ++holders_[cell];
}

void CellLedger::truncate(SequenceId sequence, std::uint32_t length) {
    std::vector<Cell>& cells = at(sequence);
    WORKER_ASSERT(length <= cells.size());
    for (std::size_t i = length; i < cells.size(); ++i) {
        if (--holders_[cells[i]] > 0) continue;
        free_.push_back(cells[i]);
        --used_;
    }
    cells.resize(length);
}

}  // namespace llm

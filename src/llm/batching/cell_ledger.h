#pragma once

#include "llm/model/text_model.h"

#include <cstdint>
#include <vector>

namespace llm {

// Which KV cells the sequences hold, so that those which several share count once. It mirrors what
// a TextModel is told to do, because libraries do not say how many of their cells are taken.
// Thread: one.
class CellLedger {
public:
    explicit CellLedger(const Capabilities& capabilities);

    std::uint64_t free() const { return cells_ - used_; }
    std::uint64_t used() const { return used_; }

    // The sequence takes `count` cells more.
    void grow(SequenceId sequence, std::uint32_t count);
    // The first `length` cells of `from` become the empty sequence's too.
    void share(SequenceId from, SequenceId to, std::uint32_t length);
    void truncate(SequenceId sequence, std::uint32_t length);

private:
    using Cell = std::uint32_t;  // an index into `holders_`

    std::vector<Cell>& at(SequenceId sequence) {
        return sequences_.at(static_cast<std::size_t>(sequence));
    }

    const std::uint64_t cells_;
    std::uint64_t used_ = 0;
    std::vector<std::uint32_t> holders_;  // how many sequences hold each cell
    std::vector<Cell> free_;              // of `holders_`
    std::vector<std::vector<Cell>> sequences_;
};

}  // namespace llm

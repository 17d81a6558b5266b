#pragma once

#include "llm/batching/cell_ledger.h"
#include "llm/batching/generation.h"
#include "llm/batching/prefix_tree.h"
#include "llm/model/text_model.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace llm {

// Where a job's text is: not in the model's cells, on its way into them, or there.
enum class Place : std::uint8_t { outside, arriving, inside };

// One sequence of the model and the job that holds it.
struct Slot {
    std::unique_ptr<Generation> generation;
    Place place = Place::outside;
    std::uint32_t kept = 0;  // tokens that are in the prefix tree as well
};

// Which texts the model's cells hold. A text comes in by sharing the cells of one that runs beside
// it and begins alike, by copying what was kept of an earlier one, or by being computed; it waits
// for another job that is about to compute the same. A text that is taken out for want of room is
// kept, and comes back the same way. Thread: the engine thread.
//
// Slots come in the order in which they are to be served: the highest priority first, then the
// oldest.
class Residency {
public:
    // `kept_bytes_max`: host memory for texts outside the model.
    Residency(TextModel& model, std::uint64_t kept_bytes_max);

    std::uint64_t cells_used() const { return ledger_.used(); }
    std::uint64_t cells_free() const { return ledger_.free(); }

    // Whether one more job would find room beside what is promised to the slots: their texts so
    // far, and something to grow on.
    bool has_room(std::span<const Slot> slots, const GenerateJob& job) const;

    // Lets those in that have room, in their order.
    void let_in(std::span<Slot> slots);
    // The model has computed `count` tokens of an inside slot.
    void computed(Slot& slot, std::uint32_t count);
    // Frees the slot's cells. Its text is kept until it is let in again.
    void take_out(Slot& slot);
    // As `take_out`, for a job that has ended: its text is kept if that is worth it.
    void leave(Slot& slot);
    // As `leave`, and nothing is kept: nobody knows what the cells hold.
    void discard(Slot& slot);

private:
    // What of a text another one has in its cells.
    struct Neighbour {
        Slot* slot = nullptr;
        std::uint32_t length = 0;  // there now
        std::uint32_t soon = 0;    // there once its prompt is computed
    };

    // Whether a text can begin with cells of another that runs; else it is given a copy of them.
    bool shares_cells() const {
        return model_.capabilities().prefix_sharing == PrefixSharing::any_length;
    }
    Neighbour best_neighbour(std::span<Slot> slots, const Generation& generation) const;
    // False when the slot has to wait for room.
    bool let_in(std::span<Slot> slots, Slot& slot);
    void copy_more(Slot& slot);
    void keep(Slot& slot, std::uint32_t worth);

    TextModel& model_;
    CellLedger ledger_;
    PrefixTree tree_;
    std::uint64_t copied_before_ = 0;  // bytes, before this step
};

}  // namespace llm

#include "llm/batching/residency.h"

#include <algorithm>

namespace llm {

namespace {

// Room for a job to grow before it may have to be taken out again.
constexpr std::uint32_t growth_min = 64;
// Copying so much in one step holds up the others for some hundredths of a second at most.
constexpr std::uint64_t copied_bytes_max = 64u << 20;
// A prompt is kept in parts of this size while it is computed, so that keeping a long one is not
// one long pause.
constexpr std::uint32_t kept_at_once = 512;

std::uint32_t alike(std::span<const Token> a, std::span<const Token> b) {
    return static_cast<std::uint32_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// What a text will take beside the cells it has.
std::uint64_t cells_to_come(const Generation& generation) {
    return std::uint64_t{generation.left()} + std::min(generation.growth_max(), growth_min);
}

}  // namespace

Residency::Residency(TextModel& model, std::uint64_t kept_bytes_max)
    : model_(model), ledger_(model.capabilities()), tree_(model, kept_bytes_max) {}

bool Residency::has_room(std::span<const Slot> slots, const GenerateJob& job) const {
    std::uint64_t cells = ledger_.used() + job.prompt.size() + std::min(job.max_tokens, growth_min);
    for (const Slot& slot : slots) cells += cells_to_come(*slot.generation);
    return slots.empty() || cells <= model_.capabilities().cells;
}

void Residency::let_in(std::span<Slot> slots) {
    copied_before_ = tree_.bytes_restored();
    bool room = true;
    for (Slot& slot : slots) {
        if (slot.place == Place::outside && room) room = let_in(slots, slot);
        if (slot.place == Place::arriving) copy_more(slot);
    }
}

bool Residency::let_in(std::span<Slot> slots, Slot& slot) {
    Generation& generation = *slot.generation;
    const Neighbour neighbour = best_neighbour(slots, generation);
    const std::uint32_t kept = tree_.find(generation.cache_scope(), generation.tokens());
    const std::uint32_t now = std::max(neighbour.length, kept);
    if (neighbour.soon > now) return true;  // It waits for that prompt.

    const bool shares = shares_cells() && neighbour.slot != nullptr && neighbour.length >= kept;
    std::uint64_t cells = ledger_.used() + cells_to_come(generation);
    if (shares) cells -= neighbour.length;
    bool alone = true;
    for (const Slot& other : slots) {
        if (other.place == Place::outside) continue;
        alone = false;
        cells += cells_to_come(*other.generation);
    }
    if (!alone && cells > model_.capabilities().cells) return false;

    slot.place = Place::arriving;
    slot.kept = 0;
    if (!shares_cells() && neighbour.length > kept)
        keep(*neighbour.slot, 1);  // To be copied from there.
    if (!shares) return true;
    const Generation& from = *neighbour.slot->generation;
    if (model_.share_prefix(from.sequence(), generation.sequence(), neighbour.length)) {
        ledger_.share(from.sequence(), generation.sequence(), neighbour.length);
        generation.hold(neighbour.length);
    }
    return true;
}

Residency::Neighbour Residency::best_neighbour(std::span<Slot> slots,
                                               const Generation& generation) const {
    Neighbour best;
    if (!shares_cells() && !tree_.keeps_beginnings()) return best;
    // The last token is to be computed, since its logits are wanted.
    const auto text = generation.tokens().first(generation.tokens().size() - 1);
    for (Slot& slot : slots) {
        const Generation& other = *slot.generation;
        if (slot.place == Place::outside || other.cache_scope() != generation.cache_scope())
            continue;
        const std::uint32_t common = alike(other.tokens(), text);
        if (common < PrefixTree::length_min) continue;
        if (other.left() > 1) best.soon = std::max(best.soon, common);
        const std::uint32_t length = std::min(common, other.length());
        if (length <= best.length) continue;
        best.slot = &slot;
        best.length = length;
    }
    return best;
}

void Residency::copy_more(Slot& slot) {
    Generation& generation = *slot.generation;
    while (tree_.bytes_restored() - copied_before_ < copied_bytes_max) {
        const std::uint32_t before = generation.length();
        const std::uint32_t length = tree_.restore(generation.cache_scope(), generation.tokens(),
                                                   {generation.sequence(), before, ledger_.free()});
        if (length <= before) {
            ledger_.truncate(generation.sequence(), length);
            generation.hold(length);
            slot.place = Place::inside;
            return;
        }
        ledger_.grow(generation.sequence(), length - before);
        generation.hold(length);
    }
}

void Residency::computed(Slot& slot, std::uint32_t count) {
    slot.generation->advance(count);
    ledger_.grow(slot.generation->sequence(), count);
    const bool in_parts = model_.capabilities().prefix_saving == PrefixSaving::parts;
    if (in_parts && slot.generation->length() >= slot.kept + kept_at_once)
        keep(slot, PrefixTree::length_min);
}

void Residency::take_out(Slot& slot) {
    // A job that is to come back loses nothing, however little it is.
    if (slot.generation->length() > 0) keep(slot, 1);
    discard(slot);
}

void Residency::leave(Slot& slot) {
    if (slot.generation->length() > 0) keep(slot, PrefixTree::length_min);
    discard(slot);
}

void Residency::keep(Slot& slot, std::uint32_t worth) {
    const Generation& generation = *slot.generation;
    tree_.keep(generation.cache_scope(), generation.held(), generation.sequence(), worth);
    slot.kept = generation.length();
}

void Residency::discard(Slot& slot) {
    const SequenceId sequence = slot.generation->sequence();
    model_.release(sequence);
    ledger_.truncate(sequence, 0);
    slot.generation->hold(0);
    slot.place = Place::outside;
}

}  // namespace llm

// The inner port: what a language model is to batching and sampling. Above it nothing knows which
// library computes; below it nothing knows of jobs, stop strings or templates.
#pragma once

#include "worker/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace llm {

using worker::Result;

using Token = std::int32_t;

// A model's memory of one text: 0 .. capabilities().sequences_max - 1.
enum class SequenceId : std::int32_t {};

// How much of one sequence another can take over.
enum class PrefixSharing : std::uint8_t { any_length, whole_sequence, none };
// What can be saved of a sequence. Parts: the cells from any position on. Whole: all of it, of
// which any beginning can be used. State: all of it, to be continued at its end and nowhere else.
enum class PrefixSaving : std::uint8_t { parts, whole, state, none };
// How much of a sequence's end can be forgotten.
enum class Truncation : std::uint8_t { any_length, none };

struct Capabilities {
    std::uint32_t vocabulary_size = 0;
    std::uint32_t context_max = 0;      // tokens in one sequence
    std::uint32_t sequences_max = 0;    // texts at once, all of them in one forward()
    std::uint32_t cells = 0;            // KV cells, shared by all sequences
    std::uint32_t rows_max = 0;         // tokens in one forward()
    std::uint32_t output_rows_max = 0;  // rows of logits from one forward()
    PrefixSharing prefix_sharing = PrefixSharing::none;  // from another sequence
    PrefixSaving prefix_saving = PrefixSaving::none;     // from what was saved of one
    Truncation truncation = Truncation::none;
};

// Consecutive tokens of one sequence.
struct Run {
    SequenceId sequence;
    std::uint32_t position;  // of the first token; the sequence's length so far
    std::span<const Token> tokens;
    bool output_last;  // logits after the last token are wanted
};

// One row a run with `output_last`, in the order of the runs. Valid until the next forward(). The
// caller may write to them.
struct Logits {
    std::span<float> values;  // [n_outputs][n_vocab]
    std::uint32_t vocabulary_size = 0;

    std::span<float> row(std::size_t output) const {
        return values.subspan(output * vocabulary_size, vocabulary_size);
    }
};

enum class ForwardError : std::uint8_t {
    no_space,  // No cells left; nothing has changed.
    failed,    // The caller truncates to the lengths it knows.
    aborted,   // The model was told to stop; as `failed`.
};

// Thread: one, the engine thread.
class TextModel {
public:
    virtual ~TextModel() = default;

    virtual const Capabilities& capabilities() const = 0;

    // Computes the runs together. Requires: at most `rows_max` tokens, each sequence at most once,
    // none of them empty, each position the sequence's length.
    virtual tl::expected<Logits, ForwardError> forward(std::span<const Run> runs) = 0;

    // The first `length` cells of `from` become `to`'s too, without copying. False, and nothing
    // changed, where the model no longer has all that continuing there needs (sliding windows).
    // Requires: `to` is empty; `length` is allowed by `prefix_sharing`.
    [[nodiscard]] virtual bool share_prefix(SequenceId from, SequenceId to,
                                            std::uint32_t length) = 0;

    // Forgets the cells from `length` on. False where the model cannot: release and recompute.
    [[nodiscard]] virtual bool truncate(SequenceId sequence, std::uint32_t length) = 0;

    virtual void release(SequenceId sequence) = 0;

    // The sequence's cells from a position on as bytes, to be restored here later behind the same
    // text. Requires: `prefix_saving` allows it; `from` is 0 unless parts can be saved.
    virtual std::vector<std::byte> save(SequenceId sequence, std::uint32_t from) = 0;
    // Appends saved cells to a sequence that holds `from` of them. False, and the sequence as it
    // was, where not enough cells are free.
    [[nodiscard]] virtual bool restore(SequenceId sequence, std::uint32_t from,
                                       std::span<const std::byte> bytes) = 0;

    virtual std::uint64_t device_bytes() const = 0;
    virtual std::uint64_t host_bytes() const = 0;
};

}  // namespace llm

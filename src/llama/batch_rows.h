#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

struct llama_batch;

namespace llama {

// The rows that libllama computes together, one a token.
class BatchRows {
public:
    explicit BatchRows(std::uint32_t rows_max);

    // Which of a text's rows something is wanted of.
    enum class Outputs : std::uint8_t { none, last, all };

    void clear() { rows_ = 0; }
    // Consecutive tokens of one sequence. Requires: there is room for them.
    void append(std::int32_t sequence, std::uint32_t first_position,
                std::span<const std::int32_t> tokens, Outputs outputs);

    std::size_t size() const { return rows_; }
    // Points to these rows: valid until they change.
    llama_batch batch();

private:
    std::size_t rows_ = 0;
    // [rows_max]
    std::vector<std::int32_t> tokens_;
    std::vector<std::int32_t> positions_;
    std::vector<std::int32_t> sequence_counts_;
    std::vector<std::int32_t> sequences_;
    std::vector<std::int32_t*> sequence_pointers_;
    std::vector<std::int8_t> outputs_;
};

}  // namespace llama

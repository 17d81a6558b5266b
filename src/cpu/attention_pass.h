#pragma once

#include "cpu/batch.h"
#include "cpu/kernels/attention.h"
#include "cpu/kv_pages.h"
#include "cpu/model_shape.h"
#include "cpu/row_buffer.h"
#include "cpu/thread_team.h"

#include <cstdint>
#include <vector>

namespace cpu {

// One layer's attention of all rows of a step: a task is some rows of a sequence with one KV head.
// Where there are few tasks and the texts are long, a task is cut at the spans of its text. Thread:
// one.
class AttentionPass {
public:
    struct Parts {
        const ModelShape& shape;
        const KvPages& pages;
        ThreadTeam& team;
        Isa isa;
        std::uint32_t rows_max;
    };
    explicit AttentionPass(const Parts& parts);

    // Cuts a step into tasks, for all its layers.
    void plan(const Batch& batch);

    // From queries[row][heads][head_dim] to rows of `out`.
    void compute(std::uint32_t layer, const float* queries, const RowBuffer& out);

    std::uint64_t bytes() const;  // of buffers

private:
    // Consecutive rows of one sequence.
    struct Block {
        llm::SequenceId sequence;
        std::uint32_t position;  // of the first row
        Range rows;
        Range spans;  // that any row sees
    };
    // A block's spans for one KV head, or one of them.
    struct Task {
        const Block* block;
        std::uint32_t head;
        Range spans;
        std::uint32_t partial;  // where it goes in a cut step
    };

    void attend(std::uint32_t layer, const float* queries, const Task& task,
                const PartialAttention& total, const PartialAttention& partial) const;
    void attend_span(std::uint32_t layer, const float* queries, const Task& task,
                     std::uint32_t span, const PartialAttention& partial) const;
    void write(const Task& task, const PartialAttention& total, const RowBuffer& out) const;
    void merge_cut(const Task& first, const RowBuffer& out) const;
    PartialAttention partial(std::uint32_t index) const;
    std::uint32_t queries_of(const Block& block) const {
        return block.rows.size() * parts_.shape.group();
    }

    const Parts parts_;
    const AttentionKernels& kernels_;
    const ProductKernels& products_;
    std::vector<Block> blocks_;
    std::vector<Task> tasks_;
    std::vector<Task> cut_;  // The first of each task's parts; empty where none is cut.
    std::size_t partial_floats_;
    // Two a thread, or one a task in a cut step.
    AlignedBuffer partials_;
    AlignedBuffer unaligned_;  // [rows][heads * head_dim], where heads end within blocks of 32
};

}  // namespace cpu

#include "cpu/attention_pass.h"

#include "cpu/kernels/product.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace cpu {
namespace {

// Tasks a thread, below which they are cut.
constexpr std::uint32_t tasks_a_thread_min = 4;
// Parts of cut tasks at most: a text of 128 Ki tokens has 512 spans.
constexpr std::uint32_t cut_parts_max = 1024;

bool ends_within_blocks(const ModelShape& shape) {
    return shape.group() * shape.head_dim % block_depth != 0;
}

}  // namespace

AttentionPass::AttentionPass(const Parts& parts)
    : parts_(parts), kernels_(attention_kernels(parts.isa)), products_(product_kernels(parts.isa)) {
    const ModelShape& shape = parts.shape;
    const std::size_t queries = std::size_t{attention_rows_max} * shape.group();
    partial_floats_ = (queries * (shape.head_dim + 2) + 15) / 16 * 16;
    const std::size_t partials = std::max(2 * parts.team.size(), cut_parts_max);
    partials_ = AlignedBuffer(partials * partial_floats_ * sizeof(float));
    if (ends_within_blocks(shape))
        unaligned_ = AlignedBuffer(std::size_t{parts.rows_max} * shape.heads * shape.head_dim *
                                   sizeof(float));
}

std::uint64_t AttentionPass::bytes() const {
    // Of the partials only what the widest step has used appears in memory.
    return unaligned_.size() + 2 * parts_.team.size() * partial_floats_ * sizeof(float);
}

void AttentionPass::plan(const Batch& batch) {
    blocks_.clear();
    tasks_.clear();
    cut_.clear();
    const auto count = static_cast<std::uint32_t>(batch.rows.size());
    for (std::uint32_t row = 0; row < count;) {
        const BatchRow& first = batch.rows[row];
        std::uint32_t end = row + 1;
        while (end < count && end - row < attention_rows_max &&
               batch.rows[end].sequence == first.sequence)
            ++end;
        const std::uint32_t last_position = first.position + (end - row) - 1;
        const std::uint32_t window = parts_.shape.window;
        const std::uint32_t first_key =
            window > 0 && first.position >= window ? first.position - window + 1 : 0;
        blocks_.push_back({.sequence = first.sequence,
                           .position = first.position,
                           .rows = {row, end},
                           .spans = {first_key / span_tokens, last_position / span_tokens + 1}});
        row = end;
    }
    std::uint32_t spans = 0;
    for (const Block& block : blocks_) spans += block.spans.size() * parts_.shape.heads_kv;
    const std::size_t whole = blocks_.size() * parts_.shape.heads_kv;
    const bool cut = whole < std::size_t{parts_.team.size()} * tasks_a_thread_min &&
                     spans > whole && spans <= cut_parts_max && parts_.team.size() > 1;
    std::uint32_t next_partial = 0;
    for (const Block& block : blocks_)
        for (std::uint32_t head = 0; head < parts_.shape.heads_kv; ++head) {
            const Task task{&block, head, block.spans, next_partial};
            next_partial += block.spans.size();
            if (!cut) {
                tasks_.push_back(task);
                continue;
            }
            cut_.push_back(task);
            for (std::uint32_t i = 0; i < block.spans.size(); ++i) {
                const std::uint32_t span = block.spans.begin + i;
                tasks_.push_back({&block, head, {span, span + 1}, task.partial + i});
            }
        }
}

PartialAttention AttentionPass::partial(std::uint32_t index) const {
    auto* const floats = reinterpret_cast<float*>(partials_.data()) + index * partial_floats_;
    const std::size_t queries = std::size_t{attention_rows_max} * parts_.shape.group();
    return {.maxima = floats + queries * parts_.shape.head_dim,
            .sums = floats + queries * (parts_.shape.head_dim + 1),
            .outputs = floats};
}

void AttentionPass::compute(std::uint32_t layer, const float* queries, const RowBuffer& out) {
    const auto tasks = static_cast<std::uint32_t>(tasks_.size());
    if (!cut_.empty()) {
        parts_.team.run(tasks, [&](std::uint32_t i, std::uint32_t) noexcept {
            const Task& task = tasks_[i];
            attend_span(layer, queries, task, task.spans.begin, partial(task.partial));
        });
        parts_.team.run(static_cast<std::uint32_t>(cut_.size()),
                        [&](std::uint32_t i, std::uint32_t) noexcept { merge_cut(cut_[i], out); });
    } else {
        parts_.team.run(tasks, [&](std::uint32_t i, std::uint32_t thread) noexcept {
            const PartialAttention total = partial(2 * thread);
            attend(layer, queries, tasks_[i], total, partial(2 * thread + 1));
            write(tasks_[i], total, out);
        });
    }
    if (unaligned_.size() == 0) return;
    const std::uint32_t depth = parts_.shape.heads * parts_.shape.head_dim;
    const std::uint32_t rows = blocks_.back().rows.end;
    parts_.team.run(rows, [&](std::uint32_t row, std::uint32_t) noexcept {
        const auto* floats = reinterpret_cast<const float*>(unaligned_.data());
        out.write(products_, floats + std::size_t{row} * depth, depth, row, 0);
    });
}

void AttentionPass::attend(std::uint32_t layer, const float* queries, const Task& task,
                           const PartialAttention& total, const PartialAttention& partial) const {
    attend_span(layer, queries, task, task.spans.begin, total);
    for (std::uint32_t span = task.spans.begin + 1; span < task.spans.end; ++span) {
        attend_span(layer, queries, task, span, partial);
        kernels_.merge(total, partial, queries_of(*task.block), parts_.shape.head_dim);
    }
}

void AttentionPass::attend_span(std::uint32_t layer, const float* queries, const Task& task,
                                std::uint32_t span, const PartialAttention& partial) const {
    const ModelShape& shape = parts_.shape;
    const Block& block = *task.block;
    const std::size_t row_floats = std::size_t{shape.heads} * shape.head_dim;
    const std::uint32_t last_page = (block.position + block.rows.size() - 1) / page_tokens;
    constexpr std::uint32_t span_pages = span_tokens / page_tokens;
    const std::uint32_t first_page = span * span_pages;
    const std::uint32_t page_count = std::min(span_pages, last_page + 1 - first_page);
    std::array<HeadPage, span_pages> pages{};
    for (std::uint32_t i = 0; i < page_count; ++i)
        pages[i] = parts_.pages.head(block.sequence, first_page + i, layer, task.head);
    const AttentionBlock attended{
        .queries = queries + block.rows.begin * row_floats +
                   std::size_t{task.head} * shape.group() * shape.head_dim,
        .row_stride = row_floats,
        .rows = block.rows.size(),
        .heads = shape.group(),
        .head_dim = shape.head_dim,
        .scale = 1 / std::sqrt(static_cast<float>(shape.head_dim)),
        .position = block.position,
        .window = shape.window};
    kernels_.attend(attended, pages.data(), page_count, span * span_tokens, partial);
}

void AttentionPass::write(const Task& task, const PartialAttention& total,
                          const RowBuffer& out) const {
    const ModelShape& shape = parts_.shape;
    kernels_.finish(total, queries_of(*task.block), shape.head_dim);
    const std::uint32_t count = shape.group() * shape.head_dim;
    const std::uint32_t depth = shape.heads * shape.head_dim;
    for (std::uint32_t i = 0; i < task.block->rows.size(); ++i) {
        const float* const row = total.outputs + std::size_t{i} * count;
        const std::uint32_t to = task.block->rows.begin + i;
        if (unaligned_.size() == 0) {
            out.write(products_, row, count, to, task.head * count);
        } else {
            std::copy_n(row, count,
                        reinterpret_cast<float*>(unaligned_.data()) + std::size_t{to} * depth +
                            task.head * count);
        }
    }
}

void AttentionPass::merge_cut(const Task& first, const RowBuffer& out) const {
    const PartialAttention total = partial(first.partial);
    for (std::uint32_t i = 1; i < first.spans.size(); ++i)
        kernels_.merge(total, partial(first.partial + i), queries_of(*first.block),
                       parts_.shape.head_dim);
    write(first, total, out);
}

}  // namespace cpu

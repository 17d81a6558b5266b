#include "cpu/forward_pass.h"

#include <algorithm>

namespace cpu {
namespace {

// Rows of a chunk of a product: so many that a tile's weights serve them from the nearest cache.
constexpr std::uint32_t chunk_rows = 64;
// Rows of a chunk of what is done to single rows: about as much work as waking a thread.
constexpr std::uint32_t single_rows = 4;
// Tiles of a chunk: an even number, since what they give is quantised in blocks of two; so few that
// each thread gets some chunks and none waits long for another.
constexpr std::uint32_t tiles_min = 2;
constexpr std::uint32_t tiles_max = 16;
constexpr std::uint32_t chunks_a_thread = 6;

std::uint32_t ceil_div(std::uint32_t count, std::uint32_t divisor) {
    return (count + divisor - 1) / divisor;
}

Range part_of(std::uint32_t count, std::uint32_t size, std::uint32_t index) {
    return {index * size, std::min((index + 1) * size, count)};
}

// The matrices of all layers that read the same rows.
std::vector<const PackedMatrix*> readers(const Weights& weights,
                                         std::initializer_list<Projection LayerWeights::*> which) {
    std::vector<const PackedMatrix*> matrices;
    for (const LayerWeights& layer : weights.layers)
        for (const auto member : which) matrices.push_back(&(layer.*member).matrix);
    return matrices;
}

std::vector<const PackedMatrix*> readers_of_normed(const Weights& weights) {
    auto matrices =
        readers(weights, {&LayerWeights::query, &LayerWeights::key, &LayerWeights::value,
                          &LayerWeights::gate, &LayerWeights::up});
    matrices.push_back(&weights.output.matrix);
    return matrices;
}

float* floats(const AlignedBuffer& buffer) {
    return reinterpret_cast<float*>(buffer.data());
}

AlignedBuffer float_buffer(std::size_t rows, std::size_t columns) {
    return AlignedBuffer(rows * columns * sizeof(float));
}

}  // namespace

ForwardPass::ForwardPass(const Parts& parts)
    : parts_(parts),
      shape_(parts.shape),
      products_(product_kernels(parts.isa)),
      vectors_(vector_kernels(parts.isa)),
      attention_({.shape = parts.shape,
                  .pages = parts.pages,
                  .team = parts.team,
                  .isa = parts.isa,
                  .rows_max = parts.rows_max}),
      normed_(parts.rows_max, shape_.width, readers_of_normed(parts.weights)),
      attended_(parts.rows_max, shape_.heads * shape_.head_dim,
                readers(parts.weights, {&LayerWeights::attention_output})),
      wide_(parts.rows_max, shape_.feed_forward, readers(parts.weights, {&LayerWeights::down})),
      residual_(float_buffer(parts.rows_max, shape_.width)),
      queries_(float_buffer(parts.rows_max, std::size_t{shape_.heads} * shape_.head_dim)),
      angles_(float_buffer(parts.rows_max, shape_.rotary.dimensions)),
      scratch_floats_(std::max({std::size_t{chunk_rows} * shape_.head_dim,
                                std::size_t{chunk_rows} * tiles_max * tile_columns,
                                std::size_t{shape_.width}})) {
    scratch_ = float_buffer(std::size_t{parts.team.size()} * 2, scratch_floats_);
}

std::uint64_t ForwardPass::bytes() const {
    return residual_.size() + queries_.size() + angles_.size() + scratch_.size() +
           attention_.bytes() + normed_.bytes() + attended_.bytes() + wide_.bytes();
}

float* ForwardPass::scratch(std::uint32_t thread, std::uint32_t part) const {
    return floats(scratch_) + (std::size_t{thread} * 2 + part) * scratch_floats_;
}

Range ForwardPass::tiles_of_heads(Range heads) const {
    const std::uint32_t head_tiles = shape_.head_dim / tile_columns;
    return {heads.begin * head_tiles, heads.end * head_tiles};
}

float* ForwardPass::residual(std::uint32_t row) const {
    return floats(residual_) + std::size_t{row} * shape_.width;
}

std::uint32_t ForwardPass::unit_tiles(std::uint32_t tiles, std::uint32_t rows) const {
    const std::uint32_t chunks = parts_.team.size() * chunks_a_thread;
    const std::uint32_t even = tiles * ceil_div(rows, chunk_rows) / chunks / 2 * 2;
    return std::clamp(even, tiles_min, tiles_max);
}

template <typename Work>
void ForwardPass::over(Phase phase, std::uint32_t rows, std::uint32_t units, const Work& work) {
    const Profile::Timer timer(parts_.profile, phase);
    const std::uint32_t row_chunks = ceil_div(rows, chunk_rows);
    parts_.team.run(row_chunks * units, [&](std::uint32_t i, std::uint32_t thread) noexcept {
        const std::uint32_t first = i % row_chunks * chunk_rows;
        work(Chunk{.rows = {first, std::min(first + chunk_rows, rows)},
                   .unit = i / row_chunks,
                   .thread = thread});
    });
}

bool ForwardPass::compute(const Batch& batch, std::span<float> logits,
                          const std::atomic<bool>& interrupted) {
    const auto all_rows = static_cast<std::uint32_t>(batch.rows.size());
    const auto outputs = static_cast<std::uint32_t>(batch.outputs.size());
    parts_.profile.begin_step();
    embed(batch);
    attention_.plan(batch);
    std::uint32_t rows = all_rows;
    for (std::uint32_t index = 0; index < shape_.layers; ++index) {
        if (interrupted.load(std::memory_order_relaxed)) return false;
        const LayerWeights& layer = parts_.weights.layers[index];
        normalise(layer.attention_norm, rows);
        project_heads(layer, index, batch);
        // Of the last layer's other rows nothing is read but their keys and values. Layers that are
        // parallel read their norm once more.
        if (index + 1 == shape_.layers && !shape_.parallel && outputs < rows) {
            keep_outputs(batch);
            rows = outputs;
            if (rows == 0) break;
        }
        {
            const Profile::Timer timer(parts_.profile, Phase::attention);
            attention_.compute(index, floats(queries_), attended_);
        }
        add_projection(Phase::attention_output, layer.attention_output, attended_, rows);
        if (!shape_.parallel) normalise(layer.feed_forward_norm, rows);
        project_wide(layer, rows);
        add_projection(Phase::down, layer.down, wide_, rows);
    }
    if (outputs < rows) keep_outputs(batch);
    if (outputs > 0) project_output(outputs, logits);
    parts_.profile.end_step(all_rows);
    return true;
}

void ForwardPass::keep_outputs(const Batch& batch) {
    const std::size_t heads_width = std::size_t{shape_.heads} * shape_.head_dim;
    kept_.rows.clear();
    for (const std::uint32_t row : batch.outputs) {
        const auto to = static_cast<std::uint32_t>(kept_.rows.size());
        kept_.rows.push_back(batch.rows[row]);
        if (row == to) continue;
        std::copy_n(residual(row), shape_.width, residual(to));
        std::copy_n(floats(queries_) + row * heads_width, heads_width,
                    floats(queries_) + to * heads_width);
    }
    attention_.plan(kept_);
}

template <typename Work>
void ForwardPass::over_each(Phase phase, std::uint32_t rows, const Work& work) {
    const Profile::Timer timer(parts_.profile, phase);
    parts_.team.run(ceil_div(rows, single_rows),
                    [&](std::uint32_t i, std::uint32_t thread) noexcept {
                        const Range part = part_of(rows, single_rows, i);
                        for (std::uint32_t row = part.begin; row < part.end; ++row)
                            work(row, thread);
                    });
}

void ForwardPass::embed(const Batch& batch) {
    const std::uint32_t pairs = parts_.rotary.pairs();
    over_each(Phase::embedding, static_cast<std::uint32_t>(batch.rows.size()),
              [&](std::uint32_t row, std::uint32_t) {
                  const BatchRow& token = batch.rows[row];
                  parts_.weights.embedding().read_column(static_cast<std::uint32_t>(token.token),
                                                         residual(row));
                  float* const angles = floats(angles_) + std::size_t{row} * pairs * 2;
                  parts_.rotary.angles(token.position, {angles, pairs}, {angles + pairs, pairs});
              });
}

void ForwardPass::normalise_row(const NormWeights& norm, const float* x, std::uint32_t count,
                                float* out) {
    if (shape_.norm == Norm::rms)
        vectors_.rms_norm(x, norm.weight.data(), count, shape_.epsilon, out);
    else
        vectors_.layer_norm(x, norm.weight.data(), norm.bias.data(), count, shape_.epsilon, out);
}

void ForwardPass::normalise(const NormWeights& norm, std::uint32_t rows) {
    over_each(Phase::norm, rows, [&](std::uint32_t row, std::uint32_t thread) {
        float* const out = scratch(thread, 0);
        normalise_row(norm, residual(row), shape_.width, out);
        normed_.write(products_, out, shape_.width, row, 0);
    });
}

void ForwardPass::multiply(const Projection& projection, Range tiles, const RowBuffer& rows,
                           const Chunk& chunk, float* out, std::size_t stride) const {
    products_.multiply(projection.matrix, tiles, rows.rows(), chunk.rows, out, stride);
    if (projection.bias.empty()) return;
    const std::uint32_t first = tiles.begin * tile_columns;
    const std::uint32_t columns =
        std::min(tiles.end * tile_columns, projection.matrix.columns()) - first;
    for (std::uint32_t row = 0; row < chunk.rows.size(); ++row)
        vectors_.add(out + row * stride, projection.bias.data() + first, columns);
}

void ForwardPass::project_heads(const LayerWeights& layer, std::uint32_t index,
                                const Batch& batch) {
    const auto rows = static_cast<std::uint32_t>(batch.rows.size());
    const std::uint32_t head_tiles = shape_.head_dim / tile_columns;
    const std::uint32_t all = (shape_.heads + 2 * shape_.heads_kv) * head_tiles;
    const std::uint32_t heads = std::max(1u, unit_tiles(all, rows) / head_tiles);
    const std::uint32_t key_units = ceil_div(shape_.heads_kv, heads);
    over(Phase::heads, rows, key_units + ceil_div(shape_.heads, heads), [&](const Chunk& chunk) {
        // The longer chunks first.
        if (chunk.unit < key_units)
            project_keys_values(layer, index, batch, part_of(shape_.heads_kv, heads, chunk.unit),
                                chunk);
        else
            project_queries(layer, part_of(shape_.heads, heads, chunk.unit - key_units), chunk);
    });
}

void ForwardPass::turn(const NormWeights& norm, std::uint32_t row, float* head) {
    if (!norm.weight.empty()) normalise_row(norm, head, shape_.head_dim, head);
    const std::uint32_t pairs = parts_.rotary.pairs();
    const float* const angles = floats(angles_) + std::size_t{row} * pairs * 2;
    if (shape_.rotary.pairs == RotaryPairs::neighbours)
        vectors_.rotate_pairs(head, angles, angles + pairs, pairs);
    else
        vectors_.rotate_halves(head, angles, angles + pairs, pairs);
}

void ForwardPass::project_queries(const LayerWeights& layer, Range heads, const Chunk& chunk) {
    const std::uint32_t head_dim = shape_.head_dim;
    float* const projected = scratch(chunk.thread, 0);
    multiply(layer.query, tiles_of_heads(heads), normed_, chunk, projected,
             std::size_t{heads.size()} * head_dim);
    for (std::uint32_t i = 0; i < chunk.rows.size(); ++i) {
        const std::uint32_t row = chunk.rows.begin + i;
        float* const first = projected + std::size_t{i} * heads.size() * head_dim;
        for (std::uint32_t h = 0; h < heads.size(); ++h)
            turn(layer.query_norm, row, first + std::size_t{h} * head_dim);
        std::copy_n(first, heads.size() * head_dim,
                    floats(queries_) + (std::size_t{row} * shape_.heads + heads.begin) * head_dim);
    }
}

void ForwardPass::project_keys_values(const LayerWeights& layer, std::uint32_t index,
                                      const Batch& batch, Range heads, const Chunk& chunk) {
    const std::uint32_t head_dim = shape_.head_dim;
    float* const keys = scratch(chunk.thread, 0);
    float* const values = scratch(chunk.thread, 1);
    const std::size_t stride = std::size_t{heads.size()} * head_dim;
    multiply(layer.key, tiles_of_heads(heads), normed_, chunk, keys, stride);
    multiply(layer.value, tiles_of_heads(heads), normed_, chunk, values, stride);
    const AttentionKernels& kernels = attention_kernels(parts_.isa);
    for (std::uint32_t i = 0; i < chunk.rows.size(); ++i) {
        const std::uint32_t row = chunk.rows.begin + i;
        const BatchRow& token = batch.rows[row];
        for (std::uint32_t h = 0; h < heads.size(); ++h) {
            const std::size_t at = (std::size_t{i} * heads.size() + h) * head_dim;
            turn(layer.key_norm, row, keys + at);
            kernels.store(keys + at, values + at, head_dim,
                          parts_.pages.head(token.sequence, token.position / page_tokens, index,
                                            heads.begin + h),
                          token.position % page_tokens);
        }
    }
}

void ForwardPass::add_projection(Phase phase, const Projection& projection, const RowBuffer& rows,
                                 std::uint32_t count) {
    const std::uint32_t tiles = projection.matrix.tiles();
    const std::uint32_t unit = unit_tiles(tiles, count);
    over(phase, count, ceil_div(tiles, unit), [&](const Chunk& chunk) {
        const Range part = part_of(tiles, unit, chunk.unit);
        const std::uint32_t columns = part.size() * tile_columns;
        float* const out = scratch(chunk.thread, 0);
        multiply(projection, part, rows, chunk, out, columns);
        for (std::uint32_t i = 0; i < chunk.rows.size(); ++i)
            vectors_.add(residual(chunk.rows.begin + i) + part.begin * tile_columns,
                         out + std::size_t{i} * columns, columns);
    });
}

void ForwardPass::project_wide(const LayerWeights& layer, std::uint32_t rows) {
    const std::uint32_t tiles = layer.up.matrix.tiles();
    const std::uint32_t unit = unit_tiles(shape_.gated ? 2 * tiles : tiles, rows) / 2 * 2;
    over(Phase::gate_up, rows, ceil_div(tiles, unit), [&](const Chunk& chunk) {
        const Range part = part_of(tiles, unit, chunk.unit);
        const std::uint32_t columns = part.size() * tile_columns;
        float* const up = scratch(chunk.thread, 0);
        float* const gate = scratch(chunk.thread, 1);
        multiply(layer.up, part, normed_, chunk, up, columns);
        if (shape_.gated) multiply(layer.gate, part, normed_, chunk, gate, columns);
        const std::uint32_t count = chunk.rows.size() * columns;
        if (shape_.gated)
            vectors_.silu_multiply(gate, up, count);
        else
            vectors_.gelu(up, count);
        const float* const activated = shape_.gated ? gate : up;
        for (std::uint32_t i = 0; i < chunk.rows.size(); ++i)
            wide_.write(products_, activated + std::size_t{i} * columns, columns,
                        chunk.rows.begin + i, part.begin * tile_columns);
    });
}

void ForwardPass::project_output(std::uint32_t outputs, std::span<float> logits) {
    normalise(parts_.weights.output_norm, outputs);
    const Projection& output = parts_.weights.output;
    const std::uint32_t all = output.matrix.tiles();
    over(Phase::logits, outputs, ceil_div(all, tiles_max), [&](const Chunk& chunk) {
        const Range tiles = part_of(all, tiles_max, chunk.unit);
        const std::uint32_t stride = tiles.size() * tile_columns;
        const std::uint32_t first = tiles.begin * tile_columns;
        float* const to = logits.data() + std::size_t{chunk.rows.begin} * shape_.vocabulary + first;
        if (first + stride <= shape_.vocabulary) {
            multiply(output, tiles, normed_, chunk, to, shape_.vocabulary);
            return;
        }
        // What fills the last tile must not get into the next row.
        float* const out = scratch(chunk.thread, 0);
        multiply(output, tiles, normed_, chunk, out, stride);
        for (std::uint32_t i = 0; i < chunk.rows.size(); ++i)
            std::copy_n(out + std::size_t{i} * stride, shape_.vocabulary - first,
                        to + std::size_t{i} * shape_.vocabulary);
    });
}

}  // namespace cpu

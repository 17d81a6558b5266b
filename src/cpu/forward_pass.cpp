#include "cpu/forward_pass.h"

#include <algorithm>

namespace cpu {
namespace {

// Rows of a chunk: so many that a tile's weights serve them from the nearest cache.
constexpr std::uint32_t chunk_rows = 64;
// Columns of a chunk of the residual stream and of the wide one, in tiles.
constexpr std::uint32_t unit_tiles = 2;
constexpr std::uint32_t unit_columns = unit_tiles * tile_columns;
// Tiles of the vocabulary in a chunk: many, since there are many.
constexpr std::uint32_t output_unit_tiles = 8;

std::uint32_t ceil_div(std::uint32_t count, std::uint32_t divisor) {
    return (count + divisor - 1) / divisor;
}

Range tiles_of(std::uint32_t unit, std::uint32_t unit_size, const PackedMatrix& matrix) {
    return {unit * unit_size, std::min((unit + 1) * unit_size, matrix.tiles())};
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
                                std::size_t{chunk_rows} * output_unit_tiles * tile_columns,
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

float* ForwardPass::residual(std::uint32_t row) const {
    return floats(residual_) + std::size_t{row} * shape_.width;
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
    const auto rows = static_cast<std::uint32_t>(batch.rows.size());
    parts_.profile.begin_step();
    embed(batch);
    turn_angles(batch);
    attention_.plan(batch);
    for (std::uint32_t index = 0; index < shape_.layers; ++index) {
        if (interrupted.load(std::memory_order_relaxed)) return false;
        const LayerWeights& layer = parts_.weights.layers[index];
        normalise(layer.attention_norm, rows);
        project_heads(layer, index, batch);
        {
            const Profile::Timer timer(parts_.profile, Phase::attention);
            attention_.compute(index, floats(queries_), attended_);
        }
        add_projection(Phase::attention_output, layer.attention_output, attended_, rows);
        if (!shape_.parallel) normalise(layer.feed_forward_norm, rows);
        project_wide(layer, rows);
        add_projection(Phase::down, layer.down, wide_, rows);
    }
    project_output(batch, logits);
    parts_.profile.end_step(rows);
    return true;
}

void ForwardPass::embed(const Batch& batch) {
    over(Phase::embedding, static_cast<std::uint32_t>(batch.rows.size()), 1,
         [&](const Chunk& chunk) {
             for (std::uint32_t row = chunk.rows.begin; row < chunk.rows.end; ++row)
                 parts_.weights.embedding().read_column(
                     static_cast<std::uint32_t>(batch.rows[row].token), residual(row));
         });
}

void ForwardPass::turn_angles(const Batch& batch) {
    const std::uint32_t pairs = parts_.rotary.pairs();
    over(Phase::embedding, static_cast<std::uint32_t>(batch.rows.size()), 1,
         [&](const Chunk& chunk) {
             for (std::uint32_t row = chunk.rows.begin; row < chunk.rows.end; ++row) {
                 float* const angles = floats(angles_) + std::size_t{row} * pairs * 2;
                 parts_.rotary.angles(batch.rows[row].position, {angles, pairs},
                                      {angles + pairs, pairs});
             }
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
    over(Phase::norm, rows, 1, [&](const Chunk& chunk) {
        for (std::uint32_t row = chunk.rows.begin; row < chunk.rows.end; ++row) {
            float* const out = scratch(chunk.thread, 0);
            normalise_row(norm, residual(row), shape_.width, out);
            normed_.write(products_, out, shape_.width, row, 0);
        }
    });
}

void ForwardPass::multiply(const Projection& projection, Range tiles, const RowBuffer& rows,
                           const Chunk& chunk, float* out) const {
    const std::size_t stride = std::size_t{tiles.size()} * tile_columns;
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
    over(Phase::heads, static_cast<std::uint32_t>(batch.rows.size()),
         shape_.heads_kv + shape_.heads, [&](const Chunk& chunk) {
             // The longer chunks first.
             if (chunk.unit < shape_.heads_kv)
                 project_key_value(layer, index, batch, chunk);
             else
                 project_query(layer, {chunk.rows, chunk.unit - shape_.heads_kv, chunk.thread});
         });
}

void ForwardPass::turn(std::uint32_t row, float* head) {
    const std::uint32_t pairs = parts_.rotary.pairs();
    const float* const angles = floats(angles_) + std::size_t{row} * pairs * 2;
    if (shape_.rotary.pairs == RotaryPairs::neighbours)
        vectors_.rotate_pairs(head, angles, angles + pairs, pairs);
    else
        vectors_.rotate_halves(head, angles, angles + pairs, pairs);
}

void ForwardPass::project_query(const LayerWeights& layer, const Chunk& chunk) {
    const std::uint32_t head_dim = shape_.head_dim;
    const std::uint32_t head_tiles = head_dim / tile_columns;
    float* const heads = scratch(chunk.thread, 0);
    multiply(layer.query, {chunk.unit * head_tiles, (chunk.unit + 1) * head_tiles}, normed_, chunk,
             heads);
    for (std::uint32_t i = 0; i < chunk.rows.size(); ++i) {
        const std::uint32_t row = chunk.rows.begin + i;
        float* const head = heads + std::size_t{i} * head_dim;
        if (!layer.query_norm.weight.empty()) normalise_row(layer.query_norm, head, head_dim, head);
        turn(row, head);
        std::copy_n(head, head_dim,
                    floats(queries_) + (std::size_t{row} * shape_.heads + chunk.unit) * head_dim);
    }
}

void ForwardPass::project_key_value(const LayerWeights& layer, std::uint32_t index,
                                    const Batch& batch, const Chunk& chunk) {
    const std::uint32_t head_dim = shape_.head_dim;
    const std::uint32_t head_tiles = head_dim / tile_columns;
    const Range tiles{chunk.unit * head_tiles, (chunk.unit + 1) * head_tiles};
    float* const keys = scratch(chunk.thread, 0);
    float* const values = scratch(chunk.thread, 1);
    multiply(layer.key, tiles, normed_, chunk, keys);
    multiply(layer.value, tiles, normed_, chunk, values);
    const AttentionKernels& kernels = attention_kernels(parts_.isa);
    for (std::uint32_t i = 0; i < chunk.rows.size(); ++i) {
        const std::uint32_t row = chunk.rows.begin + i;
        const BatchRow& token = batch.rows[row];
        float* const key = keys + std::size_t{i} * head_dim;
        if (!layer.key_norm.weight.empty()) normalise_row(layer.key_norm, key, head_dim, key);
        turn(row, key);
        kernels.store(
            key, values + std::size_t{i} * head_dim, head_dim,
            parts_.pages.head(token.sequence, token.position / page_tokens, index, chunk.unit),
            token.position % page_tokens);
    }
}

void ForwardPass::add_projection(Phase phase, const Projection& projection, const RowBuffer& rows,
                                 std::uint32_t count) {
    const std::uint32_t units = ceil_div(projection.matrix.tiles(), unit_tiles);
    over(phase, count, units, [&](const Chunk& chunk) {
        const Range tiles = tiles_of(chunk.unit, unit_tiles, projection.matrix);
        const std::uint32_t columns = tiles.size() * tile_columns;
        float* const out = scratch(chunk.thread, 0);
        multiply(projection, tiles, rows, chunk, out);
        for (std::uint32_t i = 0; i < chunk.rows.size(); ++i)
            vectors_.add(residual(chunk.rows.begin + i) + tiles.begin * tile_columns,
                         out + std::size_t{i} * columns, columns);
    });
}

void ForwardPass::project_wide(const LayerWeights& layer, std::uint32_t rows) {
    over(Phase::gate_up, rows, shape_.feed_forward / unit_columns, [&](const Chunk& chunk) {
        const Range tiles = tiles_of(chunk.unit, unit_tiles, layer.up.matrix);
        float* const up = scratch(chunk.thread, 0);
        float* const gate = scratch(chunk.thread, 1);
        multiply(layer.up, tiles, normed_, chunk, up);
        if (shape_.gated) multiply(layer.gate, tiles, normed_, chunk, gate);
        const std::uint32_t count = chunk.rows.size() * unit_columns;
        if (shape_.gated)
            vectors_.silu_multiply(gate, up, count);
        else
            vectors_.gelu(up, count);
        const float* const activated = shape_.gated ? gate : up;
        for (std::uint32_t i = 0; i < chunk.rows.size(); ++i)
            wide_.write(products_, activated + std::size_t{i} * unit_columns, unit_columns,
                        chunk.rows.begin + i, chunk.unit * unit_columns);
    });
}

void ForwardPass::project_output(const Batch& batch, std::span<float> logits) {
    const auto outputs = static_cast<std::uint32_t>(batch.outputs.size());
    if (outputs == 0) return;
    for (std::uint32_t i = 0; i < outputs; ++i)
        std::copy_n(residual(batch.outputs[i]), shape_.width, residual(i));
    normalise(parts_.weights.output_norm, outputs);
    const Projection& output = parts_.weights.output;
    const std::uint32_t units = ceil_div(output.matrix.tiles(), output_unit_tiles);
    over(Phase::logits, outputs, units, [&](const Chunk& chunk) {
        const Range tiles = tiles_of(chunk.unit, output_unit_tiles, output.matrix);
        const std::uint32_t stride = tiles.size() * tile_columns;
        const std::uint32_t first = tiles.begin * tile_columns;
        const std::uint32_t columns = std::min(stride, shape_.vocabulary - first);
        float* const out = scratch(chunk.thread, 0);
        multiply(output, tiles, normed_, chunk, out);
        for (std::uint32_t i = 0; i < chunk.rows.size(); ++i)
            std::copy_n(
                out + std::size_t{i} * stride, columns,
                logits.data() + std::size_t{chunk.rows.begin + i} * shape_.vocabulary + first);
    });
}

}  // namespace cpu

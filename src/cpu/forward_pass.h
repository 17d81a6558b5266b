#pragma once

#include "cpu/attention_pass.h"
#include "cpu/batch.h"
#include "cpu/kernels/product.h"
#include "cpu/kernels/vector_ops.h"
#include "cpu/kv_pages.h"
#include "cpu/model_shape.h"
#include "cpu/profile.h"
#include "cpu/rotary.h"
#include "cpu/row_buffer.h"
#include "cpu/thread_team.h"
#include "cpu/weights.h"

#include <atomic>
#include <span>
#include <vector>

namespace cpu {

// From tokens to logits, a phase at a time: each phase is cut into chunks of some rows × some
// columns, and what can be done to a chunk's results while they are in cache is done there. A row's
// result does not depend on the other rows, nor on the number of threads. Thread: one.
class ForwardPass {
public:
    struct Parts {
        const ModelShape& shape;
        const Weights& weights;
        const Rotary& rotary;
        KvPages& pages;
        ThreadTeam& team;
        Profile& profile;
        Isa isa;
        std::uint32_t rows_max;
    };
    explicit ForwardPass(const Parts& parts);

    // Fills logits[output][vocabulary]. False where `interrupted` was set meanwhile. Requires: the
    // sequences have grown by the batch's rows already.
    [[nodiscard]] bool compute(const Batch& batch, std::span<float> logits,
                               const std::atomic<bool>& interrupted);

    std::uint64_t bytes() const;  // of buffers

private:
    // The rows and the unit of columns that a chunk computes.
    struct Chunk {
        Range rows;
        std::uint32_t unit;
        std::uint32_t thread;
    };
    // work(Chunk) for all rows × units.
    template <typename Work>
    void over(Phase phase, std::uint32_t rows, std::uint32_t units, const Work& work);
    // work(row, thread) for all rows.
    template <typename Work>
    void over_each(Phase phase, std::uint32_t rows, const Work& work);

    // The residual stream's beginning, and the angles that heads are turned by.
    void embed(const Batch& batch);
    void normalise(const NormWeights& norm, std::uint32_t rows);
    void normalise_row(const NormWeights& norm, const float* x, std::uint32_t count, float* out);
    void project_heads(const LayerWeights& layer, std::uint32_t index, const Batch& batch);
    void project_queries(const LayerWeights& layer, Range heads, const Chunk& chunk);
    void project_keys_values(const LayerWeights& layer, std::uint32_t index, const Batch& batch,
                             Range heads, const Chunk& chunk);
    // By the row's angles, after the norm if there is one.
    void turn(const NormWeights& norm, std::uint32_t row, float* head);
    // The residual stream += rows × projection.
    void add_projection(Phase phase, const Projection& projection, const RowBuffer& rows,
                        std::uint32_t count);
    void project_wide(const LayerWeights& layer, std::uint32_t rows);
    // Goes on with the rows whose logits are wanted.
    void keep_outputs(const Batch& batch);
    void project_output(std::uint32_t outputs, std::span<float> logits);

    // Tiles of a projection by a chunk's rows, bias added: out[row of chunk][16 * tiles], `stride`
    // floats from one row to the next.
    void multiply(const Projection& projection, Range tiles, const RowBuffer& rows,
                  const Chunk& chunk, float* out, std::size_t stride) const;

    // Of a chunk, of so many tiles and rows together.
    std::uint32_t unit_tiles(std::uint32_t tiles, std::uint32_t rows) const;
    Range tiles_of_heads(Range heads) const;
    float* scratch(std::uint32_t thread, std::uint32_t part) const;
    float* residual(std::uint32_t row) const;

    const Parts parts_;
    const ModelShape& shape_;
    const ProductKernels& products_;
    const VectorKernels& vectors_;
    AttentionPass attention_;
    Batch kept_;
    RowBuffer normed_;            // [rows][width]
    RowBuffer attended_;          // [rows][heads * head_dim]
    RowBuffer wide_;              // [rows][feed_forward]
    AlignedBuffer residual_;      // [rows][width]
    AlignedBuffer queries_;       // [rows][heads][head_dim]
    AlignedBuffer angles_;        // [rows]{cosines [pairs], sines [pairs]}
    AlignedBuffer scratch_;       // [threads][2][rows of a chunk][columns of a unit]
    std::size_t scratch_floats_;  // of a part
};

}  // namespace cpu

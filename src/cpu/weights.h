#pragma once

#include "cpu/kernels/packed_matrix.h"
#include "cpu/model_files.h"
#include "cpu/model_shape.h"
#include "cpu/thread_team.h"

#include <functional>
#include <vector>

namespace cpu {

// A product with a matrix, and what is then added to each column. No bias: empty.
struct Projection {
    PackedMatrix matrix;
    std::vector<float> bias;  // [columns]
};

// Of a norm. No bias: empty.
struct NormWeights {
    std::vector<float> weight;
    std::vector<float> bias;
};

struct LayerWeights {
    NormWeights attention_norm;
    Projection query;  // [width][heads * head_dim]
    Projection key;    // [width][heads_kv * head_dim]
    Projection value;
    NormWeights query_norm;  // Of a head; empty where queries are not normed.
    NormWeights key_norm;
    Projection attention_output;    // [heads * head_dim][width]
    NormWeights feed_forward_norm;  // Empty where layers are parallel.
    Projection gate;                // [width][feed_forward]; empty where not gated
    Projection up;
    Projection down;  // [feed_forward][width]
};

struct Weights {
    std::vector<LayerWeights> layers;
    NormWeights output_norm;
    Projection output;             // [width][vocabulary]
    PackedMatrix token_embedding;  // As `output`; empty where `output` is the same.
    // Where all matrices lie, so that they take huge pages.
    AlignedBuffer memory;
    // By which the angles' speeds are divided, [rotary.dimensions / 2]; empty: 1.
    std::vector<float> rotary_factors;       // up to the original context
    std::vector<float> rotary_factors_long;  // beyond it

    const PackedMatrix& embedding() const {
        return token_embedding.columns() > 0 ? token_embedding : output.matrix;
    }
};

// Whether all tensors are there that the shape asks for, in shapes and types that can be packed,
// and none that nobody would read. Errors: model_unsupported, with a phrase that names the tensor.
Result<void> check_tensors(const ModelFiles& files, const ModelShape& shape);

// Reads and packs all of them. `progress` hears the share of bytes, from this thread; false gives
// up. Requires: `check_tensors`. Errors: model_unreadable, model_corrupt, cancelled,
// insufficient_memory.
Result<Weights> load_weights(const ModelFiles& files, const ModelShape& shape, ThreadTeam& team,
                             const std::function<bool(double)>& progress);

}  // namespace cpu

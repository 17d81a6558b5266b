#include "cpu/weights.h"

#include "cpu/kernels/dequantize.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <string>

namespace cpu {

using worker::GgufTensor;

namespace {

// Columns [begin, begin + columns) of a product, which are rows of a tensor in the file.
struct MatrixPlan {
    std::string tensor;
    std::uint32_t depth;
    std::uint32_t begin;
    std::uint32_t columns;
    PackedMatrix* target;
};

struct VectorPlan {
    std::string tensor;
    std::uint32_t begin;
    std::uint32_t count;
    std::vector<float>* target;
};

// Where each of a model's tensors goes. Made once to check and once to load, of the same code.
struct Plan {
    std::vector<MatrixPlan> matrices;
    std::vector<VectorPlan> vectors;
};

class Planner {
public:
    Planner(const ModelFiles& files, const ModelShape& shape, Weights& weights)
        : files_(files), shape_(shape), weights_(weights) {
        weights_.layers.resize(shape.layers);
        for (std::uint32_t layer = 0; layer < shape.layers; ++layer)
            plan_layer(fmt::format("blk.{}.", layer), weights_.layers[layer]);
        norm("output_norm", shape.width, weights_.output_norm);
        plan_output();
        vector_if_there("rope_freqs.weight", weights_.rotary_factors);
        vector_if_there("rope_factors_short.weight", weights_.rotary_factors);
        vector_if_there("rope_factors_long.weight", weights_.rotary_factors_long);
    }

    Plan take() { return std::move(plan_); }

private:
    bool there(const std::string& name) const { return files_.find(name) != nullptr; }

    void plan_layer(const std::string& layer, LayerWeights& weights) {
        const std::uint32_t head_dim = shape_.head_dim;
        const std::uint32_t queries = shape_.heads * head_dim;
        const std::uint32_t keys = shape_.heads_kv * head_dim;
        norm(layer + "attn_norm", shape_.width, weights.attention_norm);
        if (there(layer + "attn_qkv.weight")) {
            part(layer + "attn_qkv", shape_.width, 0, queries, weights.query);
            part(layer + "attn_qkv", shape_.width, queries, keys, weights.key);
            part(layer + "attn_qkv", shape_.width, queries + keys, keys, weights.value);
        } else {
            part(layer + "attn_q", shape_.width, 0, queries, weights.query);
            part(layer + "attn_k", shape_.width, 0, keys, weights.key);
            part(layer + "attn_v", shape_.width, 0, keys, weights.value);
        }
        if (there(layer + "attn_q_norm.weight")) {
            norm(layer + "attn_q_norm", head_dim, weights.query_norm);
            norm(layer + "attn_k_norm", head_dim, weights.key_norm);
        }
        part(layer + "attn_output", queries, 0, shape_.width, weights.attention_output);
        plan_feed_forward(layer, weights);
    }

    void plan_feed_forward(const std::string& layer, LayerWeights& weights) {
        const std::uint32_t wide = shape_.feed_forward;
        if (!shape_.parallel) norm(layer + "ffn_norm", shape_.width, weights.feed_forward_norm);
        if (!shape_.gated) {
            part(layer + "ffn_up", shape_.width, 0, wide, weights.up);
        } else if (there(layer + "ffn_gate.weight")) {
            part(layer + "ffn_gate", shape_.width, 0, wide, weights.gate);
            part(layer + "ffn_up", shape_.width, 0, wide, weights.up);
        } else {  // One tensor holds both.
            part(layer + "ffn_up", shape_.width, 0, wide, weights.gate);
            part(layer + "ffn_up", shape_.width, wide, wide, weights.up);
        }
        part(layer + "ffn_down", wide, 0, shape_.width, weights.down);
    }

    void plan_output() {
        const char* const embedding = "token_embd";
        if (!there("output.weight")) {
            part(embedding, shape_.width, 0, shape_.vocabulary, weights_.output);
            return;
        }
        part("output", shape_.width, 0, shape_.vocabulary, weights_.output);
        plan_.matrices.push_back({std::string(embedding) + ".weight", shape_.width, 0,
                                  shape_.vocabulary, &weights_.token_embedding});
    }

    void part(const std::string& name, std::uint32_t depth, std::uint32_t begin,
              std::uint32_t columns, Projection& target) {
        plan_.matrices.push_back({name + ".weight", depth, begin, columns, &target.matrix});
        if (there(name + ".bias"))
            plan_.vectors.push_back({name + ".bias", begin, columns, &target.bias});
    }

    void norm(const std::string& name, std::uint32_t count, NormWeights& target) {
        plan_.vectors.push_back({name + ".weight", 0, count, &target.weight});
        if (shape_.norm == Norm::layer)
            plan_.vectors.push_back({name + ".bias", 0, count, &target.bias});
    }

    void vector_if_there(const std::string& name, std::vector<float>& target) {
        if (there(name)) plan_.vectors.push_back({name, 0, shape_.rotary.dimensions / 2, &target});
    }

    const ModelFiles& files_;
    const ModelShape& shape_;
    Weights& weights_;
    Plan plan_;
};

Plan plan_of(const ModelFiles& files, const ModelShape& shape, Weights& weights) {
    return Planner(files, shape, weights).take();
}

worker::Error unsupported(std::string reason) {
    return {worker::ErrorCode::model_unsupported, std::move(reason)};
}

Result<const GgufTensor*> find_tensor(const ModelFiles& files, const std::string& name) {
    const GgufTensor* tensor = files.find(name);
    if (tensor) return tensor;
    return worker::fail(unsupported("a model without the tensor " + name));
}

Result<void> check_matrices(const ModelFiles& files, const Plan& plan) {
    std::map<std::string_view, std::uint64_t> rows_read;
    for (const MatrixPlan& matrix : plan.matrices) {
        const auto tensor = find_tensor(files, matrix.tensor);
        if (!tensor) return worker::fail(tensor.error());
        const GgufTensor& found = **tensor;
        rows_read[matrix.tensor] =
            std::max<std::uint64_t>(rows_read[matrix.tensor], matrix.begin + matrix.columns);
        if (found.shape[0] != matrix.depth || found.shape[2] != 1 || found.shape[3] != 1)
            return worker::fail(unsupported("the tensor " + matrix.tensor + " of this shape"));
        if (!can_pack(*found.type, matrix.depth))
            return worker::fail(unsupported(
                fmt::format("the tensor {} stored as {}", matrix.tensor, found.type->name)));
    }
    for (const auto& [name, rows] : rows_read)
        if (files.find(name)->shape[1] != rows)
            return worker::fail(unsupported(fmt::format("the tensor {} of this shape", name)));
    return {};
}

Result<void> check_vectors(const ModelFiles& files, const Plan& plan) {
    std::map<std::string_view, std::uint64_t> elements_read;
    for (const VectorPlan& vector : plan.vectors) {
        const auto tensor = find_tensor(files, vector.tensor);
        if (!tensor) return worker::fail(tensor.error());
        elements_read[vector.tensor] = std::max<std::uint64_t>(
            elements_read[vector.tensor], std::uint64_t{vector.begin} + vector.count);
        if (!can_dequantize(*(*tensor)->type))
            return worker::fail(unsupported(
                fmt::format("the tensor {} stored as {}", vector.tensor, (*tensor)->type->name)));
    }
    for (const auto& [name, elements] : elements_read) {
        const GgufTensor& tensor = *files.find(name);
        if (tensor.elements != elements || tensor.shape[0] != elements)
            return worker::fail(unsupported(fmt::format("the tensor {} of this shape", name)));
    }
    return {};
}

}  // namespace

Result<void> check_tensors(const ModelFiles& files, const ModelShape& shape) {
    Weights none;
    const Plan plan = plan_of(files, shape, none);
    if (Result<void> done = check_matrices(files, plan); !done) return done;
    if (Result<void> done = check_vectors(files, plan); !done) return done;
    std::set<std::string_view> read;
    for (const MatrixPlan& matrix : plan.matrices) read.insert(matrix.tensor);
    for (const VectorPlan& vector : plan.vectors) read.insert(vector.tensor);
    for (const std::string_view name : files.names())
        if (!read.contains(name))
            return worker::fail(unsupported("the tensor " + worker::printable(name)));
    return {};
}

namespace {

// Bytes of a file that one thread reads at a time.
constexpr std::uint64_t piece_bytes_aim = 512u << 10;

// Whole tiles of one matrix.
struct Piece {
    const MatrixPlan* plan;
    const GgufTensor* tensor;
    Range tiles;
};

// Packs pieces on all threads; the first failure sticks.
class Packing {
public:
    // The matrices' memory: of `bytes_of(files, plan)`.
    Packing(const ModelFiles& files, const Plan& plan, std::byte* memory) : files_(files) {
        for (const MatrixPlan& matrix : plan.matrices) {
            cut(matrix, memory);
            memory += matrix.target->bytes();
        }
    }

    static std::size_t bytes_of(const ModelFiles& files, const Plan& plan) {
        std::size_t bytes = 0;
        for (const MatrixPlan& matrix : plan.matrices)
            bytes += PackedMatrix::bytes_of(*files.find(matrix.tensor)->type, matrix.depth,
                                            matrix.columns);
        return bytes;
    }

    std::uint32_t pieces() const { return static_cast<std::uint32_t>(pieces_.size()); }

    void pack(std::uint32_t index, std::vector<std::byte>& scratch) noexcept {
        const Piece& piece = pieces_[index];
        const std::uint64_t row_bytes = piece.tensor->bytes / piece.tensor->shape[1];
        const std::uint32_t first = piece.tiles.begin * tile_columns;
        const std::uint32_t rows =
            std::min(piece.tiles.end * tile_columns, piece.plan->columns) - first;
        try {
            scratch.resize(row_bytes * rows);
        } catch (const std::bad_alloc&) {
            return fail({worker::ErrorCode::insufficient_memory, "no memory to read weights into"});
        }
        const Result<void> done =
            files_.read(*piece.tensor, row_bytes * (piece.plan->begin + first), scratch);
        if (!done) return fail(done.error());
        piece.plan->target->pack(piece.tiles, scratch);
    }

    std::optional<worker::Error> error() const { return error_; }

private:
    void cut(const MatrixPlan& matrix, std::byte* memory) {
        const GgufTensor* const tensor = files_.find(matrix.tensor);
        *matrix.target = PackedMatrix(*tensor->type, matrix.depth, matrix.columns, memory);
        const std::uint64_t tile_bytes = tensor->bytes / tensor->shape[1] * tile_columns;
        const auto step =
            static_cast<std::uint32_t>(std::max<std::uint64_t>(1, piece_bytes_aim / tile_bytes));
        const std::uint32_t tiles = matrix.target->tiles();
        for (std::uint32_t tile = 0; tile < tiles; tile += step)
            pieces_.push_back({&matrix, tensor, {tile, std::min(tile + step, tiles)}});
    }

    void fail(worker::Error error) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::move(error);
    }

    const ModelFiles& files_;
    std::vector<Piece> pieces_;
    std::mutex mutex_;
    std::optional<worker::Error> error_;
};

Result<void> load_vectors(const ModelFiles& files, const Plan& plan) {
    for (const VectorPlan& vector : plan.vectors) {
        auto values = files.floats(*files.find(vector.tensor));
        if (!values) return worker::fail(values.error());
        vector.target->assign(values->begin() + vector.begin,
                              values->begin() + vector.begin + vector.count);
    }
    return {};
}

}  // namespace

Result<Weights> load_weights(const ModelFiles& files, const ModelShape& shape, ThreadTeam& team,
                             const std::function<bool(double)>& progress) try {
    Weights weights;
    const Plan plan = plan_of(files, shape, weights);
    if (Result<void> done = load_vectors(files, plan); !done) return worker::fail(done.error());

    weights.memory = AlignedBuffer(Packing::bytes_of(files, plan));
    Packing packing(files, plan, weights.memory.data());
    std::vector<std::vector<std::byte>> scratch(team.size());
    // Some pieces a thread between two reports.
    const std::uint32_t step = team.size() * 16;
    for (std::uint32_t begin = 0; begin < packing.pieces(); begin += step) {
        const std::uint32_t count = std::min(step, packing.pieces() - begin);
        team.run(count, [&](std::uint32_t chunk, std::uint32_t thread) noexcept {
            packing.pack(begin + chunk, scratch[thread]);
        });
        if (packing.error()) return worker::fail(*packing.error());
        if (!progress(static_cast<double>(begin + count) / packing.pieces()))
            return worker::fail(worker::ErrorCode::cancelled, "the load was given up");
    }
    return weights;
} catch (const std::bad_alloc&) {
    return worker::fail(worker::ErrorCode::insufficient_memory,
                        "no memory for the model's weights");
}

}  // namespace cpu

#include "llama/memory_needs.h"

#include "worker/base/quantities.h"

#include <algorithm>
#include <string>

namespace llama {

using worker::ErrorCode;
using worker::format_bytes;
using worker::ModelFacts;

namespace {

constexpr std::uint64_t float_bytes = 4;
constexpr std::uint64_t half_bytes = 2;

// Per sequence. Recurrent layers keep a state of (width × state size) and a short convolution of
// the same width, in f32; the inner width is twice the embedding's and states reach 128.
std::uint64_t state_bytes(const ModelFacts& facts) {
    if (facts.kind == worker::ModelKind::attention) return 0;
    constexpr std::uint64_t state_and_convolution = 128 + 4;
    return std::uint64_t{facts.layers} * 2 * facts.embedding_length * state_and_convolution *
           float_bytes;
}

struct GraphSize {
    std::uint64_t rows;     // computed at once
    std::uint64_t cells;    // that a row may attend to
    std::uint64_t outputs;  // rows of logits
};

// libllama's graph holds at its widest three feed-forward and four embedding rows a token, beside
// the attention mask over all cells, or one row of logits an output. Found by comparing with what
// it allocates; the rest is room for what differs between architectures.
std::uint64_t graph_bytes(const ModelFacts& facts, const GraphSize& size) {
    const std::uint64_t mask = size.rows * size.cells * half_bytes;
    const std::uint64_t layer = size.rows *
                                (3ull * facts.feed_forward_length + 4ull * facts.embedding_length) *
                                float_bytes;
    const std::uint64_t logits = size.outputs * facts.vocabulary_size * float_bytes;
    const std::uint64_t graph = mask + std::max(layer, logits);
    constexpr std::uint64_t room = 8u << 20;
    return graph + graph / 4 + room;
}

// Rows that libllama keeps beside its graph. Source: llama_context::output_reserve.
std::uint64_t output_bytes(const ModelFacts& facts, std::uint64_t rows, std::uint64_t width) {
    return rows * (facts.vocabulary_size + width) * float_bytes;
}

}  // namespace

MemoryNeeds memory_needs(const ModelFacts& facts, const TextModelOptions& options) {
    const worker::GgmlType& type =
        options.kv_type ? *options.kv_type : *worker::find_ggml_type("f16");
    MemoryNeeds needs;
    needs.weights = facts.size_bytes;
    needs.kv_cell = kv_bytes_per_token(facts, type, type);
    needs.kv = needs.kv_cell * options.cells + state_bytes(facts) * options.sequences_max;
    const GraphSize graph{.rows = std::min(options.rows_max, std::uint32_t{512}),
                          .cells = options.cells,
                          .outputs = options.sequences_max};
    needs.compute = graph_bytes(facts, graph) + output_bytes(facts, graph.outputs, 0);
    needs.remedy = "lower --context-size, --kv-tokens or --parallel";
    return needs;
}

MemoryNeeds memory_needs(const ModelFacts& facts, const EmbeddingModelOptions& options) {
    const worker::GgmlType& type = *worker::find_ggml_type("f16");
    const bool encoder = facts.kind == worker::ModelKind::encoder;
    const std::uint64_t rows = options.rows_max;
    MemoryNeeds needs;
    needs.weights = facts.size_bytes;
    needs.kv_cell = encoder ? 0 : kv_bytes_per_token(facts, type, type);
    needs.kv = needs.kv_cell * rows;
    const GraphSize graph{.rows = rows, .cells = rows, .outputs = encoder ? 0 : rows};
    // Nobody reads logits of texts; libllama has room for a row of them for each token.
    needs.compute = graph_bytes(facts, graph) + output_bytes(facts, rows, facts.embedding_length);
    needs.remedy = "lower --context-size or --batch-size";
    return needs;
}

Result<void> check_memory(const MemoryNeeds& needs, std::uint64_t free_bytes, MemoryPlace place) {
    if (needs.total() <= free_bytes) return {};
    const bool on_device = place == MemoryPlace::device;
    return worker::fail(
        on_device ? ErrorCode::insufficient_vram : ErrorCode::insufficient_memory,
        "the model needs " + format_bytes(needs.total()) + " (weights " +
            format_bytes(needs.weights) + ", KV cache " + format_bytes(needs.kv) +
            ", compute buffers " + format_bytes(needs.compute) + "), but " +
            format_bytes(free_bytes) + " of " + (on_device ? "device memory" : "memory") +
            " are free: " + std::string(needs.remedy) + ", or take a smaller model");
}

}  // namespace llama

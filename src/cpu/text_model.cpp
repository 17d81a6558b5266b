#include "cpu/text_model.h"

#include "worker/base/assert.h"

#include <algorithm>
#include <utility>

namespace cpu {

using llm::ForwardError;
using llm::Logits;
using llm::Run;
using llm::SequenceId;

namespace {

Result<ModelShape> supported_shape(const ModelFiles& files) {
    auto shape = read_shape(files);
    if (!shape) return shape;
    if (Result<void> done = check_tensors(files, *shape); !done) return worker::fail(done.error());
    return shape;
}

// Of two sets of factors the one for contexts of this length.
std::span<const float> rotary_factors(const Weights& weights, const ModelShape& shape,
                                      std::uint32_t context_max) {
    const bool is_long = context_max > shape.rotary.original_context;
    return is_long && !weights.rotary_factors_long.empty() ? weights.rotary_factors_long
                                                           : weights.rotary_factors;
}

llm::Capabilities capabilities_of(const ModelShape& shape, const TextModelOptions& options) {
    return {.vocabulary_size = shape.vocabulary,
            .context_max = options.context_max,
            .sequences_max = options.sequences_max,
            .cells = options.cells,
            .rows_max = options.rows_max,
            .output_rows_max = options.sequences_max,
            .prefix_sharing = llm::PrefixSharing::any_length,
            .prefix_saving = llm::PrefixSaving::parts,
            .truncation = llm::Truncation::any_length};
}

}  // namespace

Result<void> check_supported(const std::vector<std::filesystem::path>& paths) {
    const auto files = ModelFiles::open(paths);
    if (!files) return worker::fail(files.error());
    const auto shape = supported_shape(*files);
    if (!shape) return worker::fail(shape.error());
    return {};
}

Result<std::unique_ptr<TextModel>> TextModel::load(const TextModelOptions& options,
                                                   const std::function<bool(double)>& progress,
                                                   const std::atomic<bool>& interrupted) {
    const auto files = ModelFiles::open(options.paths);
    if (!files) return worker::fail(files.error());
    return load(*files, options, progress, interrupted);
}

Result<std::unique_ptr<TextModel>> TextModel::load(const ModelFiles& files,
                                                   const TextModelOptions& options,
                                                   const std::function<bool(double)>& progress,
                                                   const std::atomic<bool>& interrupted) try {
    WORKER_ASSERT(options.cells > 0 && options.rows_max > 0 && options.sequences_max > 0);
    const auto shape = supported_shape(files);
    if (!shape) return worker::fail(shape.error());
    auto team = std::make_unique<ThreadTeam>(options.threads);
    auto weights = load_weights(files, *shape, *team, progress);
    if (!weights) return worker::fail(weights.error());
    return std::unique_ptr<TextModel>(
        new TextModel(*shape, std::move(*weights), options, std::move(team), interrupted));
} catch (const std::bad_alloc&) {
    return worker::fail(worker::ErrorCode::insufficient_memory,
                        "no memory for the model's keys and values");
}

TextModel::TextModel(const ModelShape& shape, Weights weights, const TextModelOptions& options,
                     std::unique_ptr<ThreadTeam> team, const std::atomic<bool>& interrupted)
    : shape_(shape),
      weights_(std::move(weights)),
      rotary_(shape_.rotary, rotary_factors(weights_, shape_, options.context_max)),
      interrupted_(interrupted),
      capabilities_(capabilities_of(shape_, options)),
      team_(std::move(team)),
      profile_(options.report),
      pages_({.layers = shape_.layers,
              .heads = shape_.heads_kv,
              .head_dim = shape_.head_dim,
              .cells = options.cells,
              .sequences_max = options.sequences_max}),
      pass_({.shape = shape_,
             .weights = weights_,
             .rotary = rotary_,
             .pages = pages_,
             .team = *team_,
             .profile = profile_,
             .isa = options.isa,
             .rows_max = options.rows_max}),
      logits_(std::size_t{capabilities_.output_rows_max} * shape_.vocabulary) {}

Result<void> TextModel::warm_up() {
    const llm::Token first{};
    const Run run{SequenceId{0}, 0, {&first, 1}, true};
    const auto logits = forward({&run, 1});
    release(run.sequence);
    if (logits) return {};
    if (logits.error() == ForwardError::aborted)
        return worker::fail(worker::ErrorCode::cancelled, "the worker is shutting down");
    return worker::fail(worker::ErrorCode::internal, "the first step failed");
}

tl::expected<Logits, ForwardError> TextModel::forward(std::span<const Run> runs) {
    if (!grow(runs)) return tl::make_unexpected(ForwardError::no_space);
    fill_batch(runs);
    WORKER_ASSERT(batch_.rows.size() <= capabilities_.rows_max);
    WORKER_ASSERT(batch_.outputs.size() <= capabilities_.output_rows_max);
    const std::span<float> logits(logits_.data(), batch_.outputs.size() * shape_.vocabulary);
    if (!batch_.rows.empty() && !pass_.compute(batch_, logits, interrupted_))
        return tl::make_unexpected(ForwardError::aborted);
    return Logits{logits, shape_.vocabulary};
}

bool TextModel::grow(std::span<const Run> runs) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
        WORKER_ASSERT(pages_.length(runs[i].sequence) == runs[i].position);
        if (pages_.grow(runs[i].sequence, static_cast<std::uint32_t>(runs[i].tokens.size())))
            continue;
        for (const Run& grown : runs.first(i)) pages_.truncate(grown.sequence, grown.position);
        return false;
    }
    return true;
}

void TextModel::fill_batch(std::span<const Run> runs) {
    batch_.rows.clear();
    batch_.outputs.clear();
    for (const Run& run : runs) {
        for (std::size_t i = 0; i < run.tokens.size(); ++i)
            batch_.rows.push_back({.token = run.tokens[i],
                                   .sequence = run.sequence,
                                   .position = run.position + static_cast<std::uint32_t>(i)});
        if (run.output_last)
            batch_.outputs.push_back(static_cast<std::uint32_t>(batch_.rows.size()) - 1);
    }
}

bool TextModel::share_prefix(SequenceId from, SequenceId to, std::uint32_t length) {
    pages_.share(from, to, length);
    return true;
}

bool TextModel::truncate(SequenceId sequence, std::uint32_t length) {
    pages_.truncate(sequence, length);
    return true;
}

void TextModel::release(SequenceId sequence) {
    pages_.truncate(sequence, 0);
}

std::vector<std::byte> TextModel::save(SequenceId sequence, std::uint32_t from) {
    return pages_.save(sequence, from);
}

bool TextModel::restore(SequenceId sequence, std::uint32_t from, std::span<const std::byte> bytes) {
    return pages_.restore(sequence, from, bytes);
}

std::uint64_t TextModel::host_bytes() const {
    return weights_.memory.size() + pages_.bytes() + pass_.bytes() + logits_.size() * sizeof(float);
}

}  // namespace cpu

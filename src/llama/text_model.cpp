#include "llama/text_model.h"

#include "worker/base/assert.h"

#include <llama.h>

#include <algorithm>
#include <array>
#include <utility>

namespace llama {

using llm::Capabilities;
using llm::ForwardError;
using llm::Logits;
using llm::Run;
using llm::SequenceId;
using llm::Token;
using worker::ErrorCode;
using worker::fail;

namespace {

constexpr std::array kv_type_names = {"f32",  "f16",    "bf16", "q8_0", "q4_0",
                                      "q4_1", "iq4_nl", "q5_0", "q5_1"};

// Rows that libllama computes at once. More take memory in proportion and are no faster.
constexpr std::uint32_t rows_at_once_max = 512;

llama_seq_id to_llama(SequenceId sequence) {
    return static_cast<llama_seq_id>(sequence);
}

// Their state after n tokens cannot be told from the one after more.
bool keeps_state(const llama_model* model) {
    return llama_model_is_recurrent(model) || llama_model_is_hybrid(model);
}

// Sequences share all cells where these are fewer than all contexts together. Else each has its
// own, so that attention passes over a sequence's own cells and not over all that are in use.
bool sequences_own_cells(const llama_model* model, const TextModelOptions& options) {
    return options.sequences_max > 1 && !keeps_state(model) &&
           options.cells / options.sequences_max >= std::max(options.context_max, 1u);
}

llama_context_params context_params(const llama_model* model, const TextModelOptions& options) {
    const ggml_type kv_type =
        options.kv_type ? static_cast<ggml_type>(options.kv_type->id) : GGML_TYPE_F16;
    llama_context_params params = llama_context_default_params();
    const bool own_cells = sequences_own_cells(model, options);
    params.n_ctx = options.cells;
    params.n_batch = options.rows_max;
    params.n_ubatch = std::min(options.rows_max, rows_at_once_max);
    // One more is the passage of cells on their way; it costs nothing but a row of logits.
    const bool has_passage = !keeps_state(model) && !own_cells;
    params.n_seq_max = options.sequences_max + (has_passage ? 1 : 0);
    // The default reserves logits for every row. Not less than n_seq_max: libllama asserts on it.
    params.n_outputs_max = params.n_seq_max;
    params.type_k = kv_type;
    params.type_v = kv_type;
    if (options.flash_attention == FlashAttention::off)
        params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.swa_full = true;  // Else cells behind a sliding window are lost at once.
    params.kv_unified = !own_cells;
    return params;
}

Capabilities capabilities_of(const llama_context* context, const TextModelOptions& options) {
    const llama_model* model = llama_get_model(context);
    const bool own_cells = sequences_own_cells(model, options);
    Capabilities can;
    can.vocabulary_size =
        static_cast<std::uint32_t>(llama_vocab_n_tokens(llama_model_get_vocab(model)));
    can.cells = llama_n_ctx(context);
    can.context_max = std::min(options.context_max, llama_n_ctx_seq(context));
    // A state is as large whatever the length of its text.
    if (llama_model_is_recurrent(model)) can.cells = can.context_max * options.sequences_max;
    can.sequences_max = options.sequences_max;
    can.rows_max = llama_n_batch(context);
    can.output_rows_max = can.sequences_max;
    can.prefix_sharing = keeps_state(model) ? llm::PrefixSharing::whole_sequence
                         : own_cells        ? llm::PrefixSharing::none
                                            : llm::PrefixSharing::any_length;
    // What is saved of a sliding window is the last window only.
    can.prefix_saving = keeps_state(model) || llama_model_n_swa(model) > 0
                            ? llm::PrefixSaving::state
                        : own_cells ? llm::PrefixSaving::whole
                                    : llm::PrefixSaving::parts;
    can.truncation = keeps_state(model) ? llm::Truncation::none : llm::Truncation::any_length;
    return can;
}

}  // namespace

Result<const worker::GgmlType*> find_kv_type(std::string_view name) {
    std::string known;
    for (const std::string_view each : kv_type_names) {
        if (each == name) return worker::find_ggml_type(name);
        known.append(known.empty() ? "" : " ").append(each);
    }
    return fail(ErrorCode::config_invalid,
                "KV type \"" + std::string(name) + "\" is not known: use one of " + known);
}

Result<std::unique_ptr<TextModel>> TextModel::create(Library& library,
                                                     std::shared_ptr<const Model> model,
                                                     const TextModelOptions& options,
                                                     const std::atomic<bool>& interrupted) {
    WORKER_ASSERT(options.cells > 0 && options.rows_max > 0 && options.threads > 0);
    WORKER_ASSERT(options.sequences_max > 0 &&
                  options.sequences_max + 1 < llama_max_parallel_sequences());
    auto context = Context::create({library, model, options.threads, interrupted},
                                   context_params(model->handle(), options));
    if (!context) return fail(std::move(context.error()));
    return std::unique_ptr<TextModel>(new TextModel(std::move(*context), options));
}

TextModel::TextModel(std::unique_ptr<Context> context, const TextModelOptions& options)
    : context_(std::move(context)),
      capabilities_(capabilities_of(context_->handle(), options)),
      window_(
          static_cast<std::uint32_t>(std::max(0, llama_model_n_swa(context_->model().handle())))),
      rows_(capabilities_.rows_max) {}

Result<void> TextModel::warm_up() {
    const auto compute = [&](std::span<const Run> runs) -> Result<void> {
        const auto logits = forward(runs);
        llama_memory_clear(llama_get_memory(context_->handle()), false);
        if (logits) return {};
        if (logits.error() == ForwardError::aborted) {
            return fail(ErrorCode::cancelled, "the worker is shutting down");
        }
        return fail(context_->warm_up_failed());
    };

    const Token bos = llama_vocab_bos(context_->model().vocabulary());
    const std::vector<Token> prompt(std::min(capabilities_.rows_max, capabilities_.context_max),
                                    std::max(bos, 0));
    const Run prefill = {SequenceId{0}, 0, prompt, true};
    if (Result<void> done = compute({&prefill, 1}); !done) return done;

    std::vector<Run> decode;
    const std::uint32_t sequences = std::min(capabilities_.sequences_max, capabilities_.rows_max);
    for (std::uint32_t i = 0; i < sequences; ++i) {
        decode.push_back(
            {SequenceId{static_cast<std::int32_t>(i)}, 0, std::span(prompt).first(1), true});
    }
    if (Result<void> done = compute(decode); !done) return done;
    context_->warmed_up();
    return {};
}

tl::expected<Logits, ForwardError> TextModel::forward(std::span<const Run> runs) {
    rows_.clear();
    std::size_t outputs = 0;
    for (const Run& run : runs) {
        WORKER_ASSERT(static_cast<std::uint32_t>(run.sequence) < capabilities_.sequences_max);
        rows_.append(to_llama(run.sequence), run.position, run.tokens,
                     run.output_last ? BatchRows::Outputs::last : BatchRows::Outputs::none);
        if (run.output_last) ++outputs;
    }
    WORKER_ASSERT(outputs <= capabilities_.output_rows_max);
    if (rows_.size() == 0) return Logits{{}, capabilities_.vocabulary_size};

    // Source: llama_decode in llama.h. All but 1 may leave some of the rows in memory.
    switch (llama_decode(context_->handle(), rows_.batch())) {
        case 0: break;
        case 1: return tl::make_unexpected(ForwardError::no_space);
        case 2: return tl::make_unexpected(ForwardError::aborted);
        default: return tl::make_unexpected(ForwardError::failed);
    }
    if (outputs == 0) {
        llama_synchronize(context_->handle());
        return Logits{{}, capabilities_.vocabulary_size};
    }
    float* logits = llama_get_logits(context_->handle());
    return Logits{{logits, outputs * capabilities_.vocabulary_size}, capabilities_.vocabulary_size};
}

bool TextModel::share_prefix(SequenceId from, SequenceId to, std::uint32_t length) {
    if (!can_continue_at(from, length)) return false;
    // Models with a state know whole sequences only, and some assert on a range.
    const bool any_length = capabilities_.prefix_sharing == llm::PrefixSharing::any_length;
    llama_memory_seq_cp(llama_get_memory(context_->handle()), to_llama(from), to_llama(to),
                        any_length ? 0 : -1, any_length ? static_cast<llama_pos>(length) : -1);
    return true;
}

bool TextModel::truncate(SequenceId sequence, std::uint32_t length) {
    return can_continue_at(sequence, length) &&
           llama_memory_seq_rm(llama_get_memory(context_->handle()), to_llama(sequence),
                               static_cast<llama_pos>(length), -1);
}

// Even a full-size cache gives away cells behind the sliding window when others need them. Those
// left always reach without a gap from the first one to the last. Source:
// llama_kv_cache::find_slot.
bool TextModel::can_continue_at(SequenceId sequence, std::uint32_t length) const {
    const llama_memory_t memory = llama_get_memory(context_->handle());
    const llama_pos first = llama_memory_seq_pos_min(memory, to_llama(sequence));
    const llama_pos last = llama_memory_seq_pos_max(memory, to_llama(sequence));
    if (window_ == 0 || first <= 0 || length == 0) return true;
    const auto wanted = static_cast<std::int64_t>(length);
    return wanted == last + 1 || first + std::int64_t{window_} <= wanted + 1;
}

void TextModel::release(SequenceId sequence) {
    llama_memory_seq_rm(llama_get_memory(context_->handle()), to_llama(sequence), -1, -1);
}

SequenceId TextModel::passage() const {
    return SequenceId{static_cast<std::int32_t>(capabilities_.sequences_max)};
}

std::vector<std::byte> TextModel::save(SequenceId sequence, std::uint32_t from) {
    const SequenceId saved = from > 0 ? passage() : sequence;
    if (from > 0) {
        llama_memory_seq_cp(llama_get_memory(context_->handle()), to_llama(sequence),
                            to_llama(saved), static_cast<llama_pos>(from), -1);
    }
    std::vector<std::byte> bytes(llama_state_seq_get_size(context_->handle(), to_llama(saved)));
    const std::size_t written =
        llama_state_seq_get_data(context_->handle(), reinterpret_cast<std::uint8_t*>(bytes.data()),
                                 bytes.size(), to_llama(saved));
    WORKER_ASSERT(written == bytes.size());
    if (from > 0) release(saved);
    return bytes;
}

bool TextModel::restore(SequenceId sequence, std::uint32_t from, std::span<const std::byte> bytes) {
    const SequenceId restored = from > 0 ? passage() : sequence;
    const bool fits = llama_state_seq_set_data(context_->handle(),
                                               reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                               bytes.size(), to_llama(restored)) > 0;
    if (from > 0 && fits) {
        llama_memory_seq_cp(llama_get_memory(context_->handle()), to_llama(restored),
                            to_llama(sequence), static_cast<llama_pos>(from), -1);
    }
    if (from > 0) release(restored);
    return fits;
}

}  // namespace llama

// The bound of a shape: llama_decode on the rows that a shape cannot do without, with nothing
// around it. Texts that are shared are computed once, prompts go in full batches, all clients
// decode together.
//
//     bare_shape MODEL THREADS SHAPE
//
// SHAPE is load_generator's, its words counted as tokens; arrivals have no bound. Computes it with
// one KV cache for all sequences and with one for each, since either is faster for some shapes, and
// prints the better as one line of JSON: {"kv":W,"tokens":N,"seconds":S,"tokens_per_second":R}.
#include "bench/load_shape.h"

#include <ggml-cpu.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace {

using bench::LoadShape;
using Model = std::unique_ptr<llama_model, decltype(&llama_model_free)>;
using Context = std::unique_ptr<llama_context, decltype(&llama_free)>;
using Pool = std::unique_ptr<ggml_threadpool, decltype(&ggml_threadpool_free)>;

constexpr std::uint32_t rows_max = 512;
constexpr std::uint32_t cells_granularity = 256;

enum class KvLayout : std::uint8_t { unified, split };

[[noreturn]] void give_up(std::string_view why) {
    std::fprintf(stderr, "error: %.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

std::uint32_t rounded_up(std::uint32_t cells) {
    return (cells + cells_granularity - 1) / cells_granularity * cells_granularity;
}

// Cells of one client's sequence at its longest, with the shared text.
std::uint32_t sequence_cells(const LoadShape& shape) {
    const std::uint32_t turn = shape.tokens_out + shape.words_later;
    return shape.shared_words + shape.words + shape.turns * turn;
}

std::uint32_t arriving_cells(const LoadShape& shape) {
    return shape.arriving_words + shape.arriving_tokens_out;
}

// Sequences 0 .. clients - 1, then one that holds the shared text and one for what arrives.
class Bare {
public:
    Bare(llama_model* model, int threads, const LoadShape& shape, KvLayout layout)
        : shape_(shape),
          vocabulary_(llama_vocab_n_tokens(llama_model_get_vocab(model))),
          pool_params_(ggml_threadpool_params_default(threads)),
          pool_(ggml_threadpool_new(&pool_params_), ggml_threadpool_free),
          context_(llama_init_from_model(model, params(shape, threads, layout)), llama_free),
          batch_(llama_batch_init(rows_max, 0, 1)),
          lengths_(shape.clients + 2, 0),
          next_(shape.clients + 2, 0) {
        if (!context_) give_up("no context of the shape's size");
        llama_attach_threadpool(context_.get(), pool_.get(), nullptr);
    }
    ~Bare() { llama_batch_free(batch_); }
    Bare(const Bare&) = delete;
    Bare& operator=(const Bare&) = delete;

    double seconds() {
        append_random(0, 8);  // What the library sets up late.
        flush();
        forget(0);
        const auto begin = std::chrono::steady_clock::now();
        if (shape_.shared_words > 0) append_random(shared(), shape_.shared_words);
        flush();
        for (std::uint32_t i = 0; i < shape_.requests; ++i) one_of_each_client();
        if (shape_.arriving_words > 0) arriving_prompt();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }

private:
    static llama_context_params params(const LoadShape& shape, int threads, KvLayout layout) {
        const std::uint32_t sequences = shape.clients + 2;
        const std::uint32_t own = sequence_cells(shape) - shape.shared_words;
        const std::uint32_t longest = std::max(sequence_cells(shape), arriving_cells(shape));
        llama_context_params params = llama_context_default_params();
        params.kv_unified = layout == KvLayout::unified;
        params.n_ctx =
            params.kv_unified
                ? rounded_up(shape.shared_words + shape.clients * own + arriving_cells(shape))
                : sequences * rounded_up(longest);
        params.n_seq_max = sequences;
        params.n_batch = params.n_ubatch = rows_max;
        params.n_threads = params.n_threads_batch = threads;
        return params;
    }

    std::uint32_t shared() const { return shape_.clients; }
    std::uint32_t arriving() const { return shape_.clients + 1; }

    void one_of_each_client() {
        for (std::uint32_t client = 0; client < shape_.clients; ++client) {
            forget(client);
            if (shape_.shared_words == 0) continue;
            llama_memory_seq_cp(llama_get_memory(context_.get()), sequence(shared()),
                                sequence(client), -1, -1);
            lengths_[client] = shape_.shared_words;
        }
        for (std::uint32_t turn = 0; turn < shape_.turns; ++turn) {
            for (std::uint32_t client = 0; client < shape_.clients; ++client)
                append_random(client, turn == 0 ? shape_.words : shape_.words_later + 1);
            flush();
            for (std::uint32_t i = 1; i < shape_.tokens_out; ++i) {
                for (std::uint32_t client = 0; client < shape_.clients; ++client)
                    append(client, next_[client], Output::wanted);
                flush();
            }
        }
    }

    void arriving_prompt() {
        append_random(arriving(), shape_.arriving_words);
        flush();
        for (std::uint32_t i = 1; i < shape_.arriving_tokens_out; ++i) {
            append(arriving(), next_[arriving()], Output::wanted);
            flush();
        }
    }

    enum class Output : std::int8_t { none, wanted };

    static llama_seq_id sequence(std::uint32_t number) { return static_cast<llama_seq_id>(number); }

    void append_random(std::uint32_t number, std::uint32_t tokens) {
        for (std::uint32_t i = 0; i < tokens; ++i) {
            random_ = random_ * 1664525 + 1013904223;  // Source: Numerical Recipes, 7.1.
            append(number, static_cast<llama_token>((random_ >> 8) % vocabulary_),
                   i + 1 == tokens ? Output::wanted : Output::none);
        }
    }

    void append(std::uint32_t number, llama_token token, Output output) {
        const int row = batch_.n_tokens;
        batch_.token[row] = token;
        batch_.pos[row] = static_cast<llama_pos>(lengths_[number]++);
        batch_.n_seq_id[row] = 1;
        batch_.seq_id[row][0] = sequence(number);
        batch_.logits[row] = static_cast<std::int8_t>(output);
        if (++batch_.n_tokens == static_cast<int>(rows_max)) flush();
    }

    void flush() {
        if (batch_.n_tokens == 0) return;
        if (llama_decode(context_.get(), batch_) != 0) give_up("llama_decode failed");
        for (int row = 0; row < batch_.n_tokens; ++row)
            if (batch_.logits[row] != 0) next_[batch_.seq_id[row][0]] = most_likely(row);
        batch_.n_tokens = 0;
    }

    llama_token most_likely(int row) {
        const float* logits = llama_get_logits_ith(context_.get(), row);
        return static_cast<llama_token>(std::max_element(logits, logits + vocabulary_) - logits);
    }

    void forget(std::uint32_t number) {
        llama_memory_seq_rm(llama_get_memory(context_.get()), sequence(number), -1, -1);
        lengths_[number] = 0;
    }

    const LoadShape shape_;
    const std::uint32_t vocabulary_;
    ggml_threadpool_params pool_params_;
    Pool pool_;  // Outlives the context that uses it.
    Context context_;
    llama_batch batch_;
    std::vector<std::uint32_t> lengths_;  // of each sequence, with what waits in the batch
    std::vector<llama_token> next_;       // that each sequence goes on with
    std::uint32_t random_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: bare_shape MODEL THREADS SHAPE\n", stderr);
        return 2;
    }
    const auto shape = bench::parse_load_shape(argv[3]);
    if (!shape) give_up(shape.error().message);
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_backend_init();
    const Model model(llama_model_load_from_file(argv[1], llama_model_default_params()),
                      llama_model_free);
    if (!model) give_up("the model cannot be loaded");

    const int threads = std::atoi(argv[2]);
    const double unified = Bare(model.get(), threads, *shape, KvLayout::unified).seconds();
    const double split = Bare(model.get(), threads, *shape, KvLayout::split).seconds();
    const double seconds = std::min(unified, split);
    const std::uint64_t tokens =
        std::uint64_t{shape->clients} * shape->requests * shape->turns * shape->tokens_out;
    std::printf("{\"kv\":\"%s\",\"tokens\":%llu,\"seconds\":%.4f,\"tokens_per_second\":%.2f}\n",
                unified <= split ? "unified" : "split", static_cast<unsigned long long>(tokens),
                seconds, static_cast<double>(tokens) / seconds);
}

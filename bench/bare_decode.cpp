// The least that a token costs: greedy llama_decode in a loop, nothing around it. What the worker's
// rate over HTTP is measured against.
//
//     bare_decode MODEL THREADS PROMPT_TOKENS TOKENS
//
// Prints one line of JSON: {"tokens":N,"seconds":S,"tokens_per_second":R}, of decoding alone.
#include <ggml-cpu.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

using Model = std::unique_ptr<llama_model, decltype(&llama_model_free)>;
using Context = std::unique_ptr<llama_context, decltype(&llama_free)>;
using Pool = std::unique_ptr<ggml_threadpool, decltype(&ggml_threadpool_free)>;

llama_token most_likely(llama_context* context, int n_vocab) {
    const float* logits = llama_get_logits_ith(context, -1);
    return static_cast<llama_token>(std::max_element(logits, logits + n_vocab) - logits);
}

void decode(llama_context* context, std::vector<llama_token>& tokens) {
    const auto batch = llama_batch_get_one(tokens.data(), static_cast<int>(tokens.size()));
    if (llama_decode(context, batch) != 0) {
        std::fprintf(stderr, "error: llama_decode failed\n");
        std::exit(1);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: bare_decode MODEL THREADS PROMPT_TOKENS TOKENS\n");
        return 2;
    }
    const int threads = std::atoi(argv[2]);
    const int prompt_tokens = std::atoi(argv[3]);
    const int tokens = std::atoi(argv[4]);
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_backend_init();
    const Model model(llama_model_load_from_file(argv[1], llama_model_default_params()),
                      llama_model_free);
    if (!model) return 1;
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<std::uint32_t>(prompt_tokens + tokens + 8);
    params.n_threads = params.n_threads_batch = threads;
    const Context context(llama_init_from_model(model.get(), params), llama_free);
    ggml_threadpool_params pool_params = ggml_threadpool_params_default(threads);
    const Pool pool(ggml_threadpool_new(&pool_params), ggml_threadpool_free);
    llama_attach_threadpool(context.get(), pool.get(), nullptr);

    const int n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
    std::vector<llama_token> next(static_cast<std::size_t>(prompt_tokens), 100);
    decode(context.get(), next);
    next.assign(1, most_likely(context.get(), n_vocab));
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 1; i < tokens; ++i) {
        decode(context.get(), next);
        next.assign(1, most_likely(context.get(), n_vocab));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("{\"tokens\":%d,\"seconds\":%.4f,\"tokens_per_second\":%.2f}\n", tokens - 1,
                took.count(), (tokens - 1) / took.count());
}

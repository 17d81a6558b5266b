// What a model says to a prompt when nothing but libllama is asked: the oracle for the worker.
//
//     bare_text MODEL PROMPT TOKENS
//
// Prints the text of TOKENS greedily chosen tokens, or of fewer when the model ends before.
#include <llama.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_backend_init();
    llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (model == nullptr) return 1;
    llama_context_params params = llama_context_default_params();
    params.n_ctx = 2048;
    params.n_threads = params.n_threads_batch =
        1;  // More would wait for each other on a busy machine.
    llama_context* context = llama_init_from_model(model, params);
    if (context == nullptr) return 1;
    const llama_vocab* vocabulary = llama_model_get_vocab(model);
    const int n_vocab = llama_vocab_n_tokens(vocabulary);

    std::vector<llama_token> tokens(4096);
    const int count = llama_tokenize(vocabulary, argv[2], static_cast<int>(std::strlen(argv[2])),
                                     tokens.data(), static_cast<int>(tokens.size()), true, true);
    if (count <= 0) return 1;
    tokens.resize(static_cast<std::size_t>(count));
    for (int left = std::atoi(argv[3]); left > 0; --left) {
        const auto batch = llama_batch_get_one(tokens.data(), static_cast<int>(tokens.size()));
        if (llama_decode(context, batch) != 0) return 1;
        const float* logits = llama_get_logits_ith(context, -1);
        const auto best =
            static_cast<llama_token>(std::max_element(logits, logits + n_vocab) - logits);
        if (llama_vocab_is_eog(vocabulary, best)) break;
        char piece[256];
        const int bytes = llama_token_to_piece(vocabulary, best, piece, sizeof piece, 0, false);
        std::fwrite(piece, 1, static_cast<std::size_t>(std::max(bytes, 0)), stdout);
        tokens.assign(1, best);
    }
    llama_free(context);
    llama_model_free(model);
}

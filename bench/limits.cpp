// What this machine can do at best, and what a model asks of it.
//
//     limits MODEL THREADS
//
// Prints one line of JSON: multiply-accumulates a second of 8-bit numbers, with the widest
// instructions that the CPU has for them ("kernel"); bytes a second read from memory; and, for a
// dense model, the multiply-accumulates of its matrices for one token of a prompt and for one that
// is decoded, and the bytes of weights that a step of decoding reads.
#include "bench/machine.h"

#include <ggml.h>
#include <gguf.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace {

struct ModelCosts {
    std::uint64_t prompt_macs = 0;
    std::uint64_t decode_macs = 0;
    std::uint64_t weight_bytes = 0;
};

// The head is the embedding itself where a model has no other; prompts do without it.
ModelCosts model_costs(const char* path) {
    ggml_context* shapes = nullptr;
    const gguf_init_params params{.no_alloc = true, .ctx = &shapes};
    const std::unique_ptr<gguf_context, decltype(&gguf_free)> file(
        gguf_init_from_file(path, params), gguf_free);
    if (!file) {
        std::fprintf(stderr, "error: %s is no GGUF file\n", path);
        std::exit(1);
    }
    const bool own_head = gguf_find_tensor(file.get(), "output.weight") >= 0;
    const std::string_view head = own_head ? "output.weight" : "token_embd.weight";
    ModelCosts costs;
    for (ggml_tensor* tensor = ggml_get_first_tensor(shapes); tensor != nullptr;
         tensor = ggml_get_next_tensor(shapes, tensor)) {
        const std::string_view name = ggml_get_name(tensor);
        if (ggml_n_dims(tensor) < 2 || (own_head && name == "token_embd.weight")) continue;
        const auto macs = static_cast<std::uint64_t>(ggml_nelements(tensor));
        costs.decode_macs += macs;
        if (name != head) costs.prompt_macs += macs;
        costs.weight_bytes += ggml_nbytes(tensor);
    }
    ggml_free(shapes);
    return costs;
}

}  // namespace

int main(int argc, char** argv) {
    const int threads = argc == 3 ? std::atoi(argv[2]) : 0;
    if (threads < 1) {
        std::fputs("usage: limits MODEL THREADS\n", stderr);
        return 2;
    }
    const ModelCosts costs = model_costs(argv[1]);
    const ByteProducts products = byte_products();
    std::printf(
        "{\"kernel\":\"%s\",\"macs_per_second\":%.4g,\"bytes_per_second\":%.4g,"
        "\"prompt_macs\":%llu,\"decode_macs\":%llu,\"weight_bytes\":%llu}\n",
        products.kernel, macs_per_second(static_cast<unsigned>(threads), products),
        bytes_per_second(static_cast<unsigned>(threads)),
        static_cast<unsigned long long>(costs.prompt_macs),
        static_cast<unsigned long long>(costs.decode_macs),
        static_cast<unsigned long long>(costs.weight_bytes));
}

#pragma once

#include "llama/model.h"
#include "llama/thread_pool.h"

#include <atomic>
#include <cstdint>
#include <memory>

struct llama_context;
struct llama_context_params;

namespace llama {

// What a model is computed in: its memory of texts, compute buffers and threads. Thread: one, the
// engine thread.
class Context {
public:
    struct Parts {
        Library& library;
        std::shared_ptr<const Model> model;  // has weights
        std::uint32_t threads;
        const std::atomic<bool>& interrupted;  // once set, what is computed ends soon
    };

    // Allocates what `params` ask for; threads and what interrupts them are the parts'. Requires:
    // library and `interrupted` outlive the context. Errors: insufficient_memory,
    // insufficient_vram, with libllama's reason.
    static Result<std::unique_ptr<Context>> create(const Parts& parts, llama_context_params params);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    llama_context* handle() const { return context_; }
    const Model& model() const { return *model_; }

    // Weights, memory and compute buffers as libllama reports them.
    BufferBytes buffers() const { return buffers_; }

    // What has been computed first went well, and was no job's: from here on a failed assertion is
    // the engine's (`Phase::running`).
    void warmed_up() { library_.enter(Phase::running); }
    // It did not: internal, with libllama's reason.
    worker::Error warm_up_failed();

private:
    // Leaves `context_` null where libllama has no room for it.
    Context(const Parts& parts, const llama_context_params& params);

    Library& library_;
    const std::shared_ptr<const Model> model_;
    const ThreadPool threads_;  // Outlives the context that uses it.
    llama_context* context_ = nullptr;
    BufferBytes buffers_;
};

}  // namespace llama

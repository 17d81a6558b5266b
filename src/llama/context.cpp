#include "llama/context.h"

#include <llama.h>

#include <string>

namespace llama {

using worker::ErrorCode;

namespace {

bool is_set(void* flag) {
    return static_cast<const std::atomic<bool>*>(flag)->load(std::memory_order_relaxed);
}

llama_context_params complete(const Context::Parts& parts, llama_context_params params) {
    params.n_threads = static_cast<std::int32_t>(parts.threads);
    params.n_threads_batch = params.n_threads;
    params.abort_callback = is_set;
    params.abort_callback_data = const_cast<std::atomic<bool>*>(&parts.interrupted);
    params.no_perf = true;
    return params;
}

}  // namespace

Result<std::unique_ptr<Context>> Context::create(const Parts& parts, llama_context_params params) {
    const bool on_gpu = parts.model->buffers().device > 0;
    parts.library.take_reason();
    std::unique_ptr<Context> made(new Context(parts, complete(parts, params)));
    if (made->context_) return made;
    return worker::fail(on_gpu ? ErrorCode::insufficient_vram : ErrorCode::insufficient_memory,
                        "libllama: " + parts.library.take_reason());
}

Context::Context(const Parts& parts, const llama_context_params& params)
    : library_(parts.library), model_(parts.model), threads_(parts.threads) {
    const BufferBytes before = library_.buffers_allocated();
    context_ = llama_init_from_model(model_->handle(), params);
    if (!context_) return;
    if (threads_.handle()) llama_attach_threadpool(context_, threads_.handle(), nullptr);
    buffers_ = model_->buffers() + (library_.buffers_allocated() - before);
}

Context::~Context() {
    llama_free(context_);
}

worker::Error Context::warm_up_failed() {
    return {ErrorCode::internal, "the warm-up step failed: " + library_.take_reason(),
            std::nullopt};
}

}  // namespace llama

#include "llama/thread_pool.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>

namespace llama {

namespace {

// The CPU part of ggml may be a plug-in, so that its functions are asked for by name.
template <class Function>
Function* cpu_function(const char* name) {
    ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (!cpu) return nullptr;
    ggml_backend_reg_t registry = ggml_backend_dev_backend_reg(cpu);
    return reinterpret_cast<Function*>(ggml_backend_reg_get_proc_address(registry, name));
}

}  // namespace

ThreadPool::ThreadPool(std::uint32_t threads) : pool_(nullptr) {
    auto* create = cpu_function<decltype(ggml_threadpool_new)>("ggml_threadpool_new");
    if (!create) return;
    ggml_threadpool_params params = ggml_threadpool_params_default(static_cast<int>(threads));
    params.poll = 0;  // Sleep at once. Between the operations of one step threads still spin.
    pool_ = create(&params);
}

ThreadPool::~ThreadPool() {
    if (!pool_) return;
    cpu_function<decltype(ggml_threadpool_free)>("ggml_threadpool_free")(pool_);
}

}  // namespace llama

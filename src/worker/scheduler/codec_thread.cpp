#include "worker/scheduler/codec_thread.h"

#include "worker/base/assert.h"

#include <system_error>

namespace worker {
namespace {

constexpr std::size_t stack_bytes = 16 << 20;

}  // namespace

CodecThread::CodecThread(boost::asio::any_io_executor io, std::size_t waiting_max)
    : io_(std::move(io)), work_(waiting_max) {
    pthread_attr_t attributes;
    WORKER_ASSERT(pthread_attr_init(&attributes) == 0);
    WORKER_ASSERT(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
    const int error = pthread_create(&thread_, &attributes, main, this);
    pthread_attr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), "starting a thread");
}

CodecThread::~CodecThread() {
    work_.close();
    pthread_join(thread_, nullptr);
}

void* CodecThread::main(void* self) {
    auto& mailbox = static_cast<CodecThread*>(self)->work_;
    while (!mailbox.closed())
        for (const std::function<void()>& work : mailbox.wait_and_take()) work();
    return nullptr;
}

}  // namespace worker

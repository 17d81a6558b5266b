#pragma once

#include "worker/base/async_signal.h"
#include "worker/base/mailbox.h"
#include "worker/base/result.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace worker {

// Smaller bodies are read on the io thread, in less time than a trip to another thread and back
// takes; larger ones would hold up /health.
inline constexpr std::size_t inline_body_bytes = 4 << 10;

// A thread for work on a request that would hold up the io thread: large bodies, long prompts.
// Its stack is large, because some of that work recurses as deep as its input. Thread: io.
class CodecThread {
public:
    CodecThread(boost::asio::any_io_executor io, std::size_t waiting_max);
    ~CodecThread();
    CodecThread(const CodecThread&) = delete;
    CodecThread& operator=(const CodecThread&) = delete;

    // Runs `work`, which gives a Result, there. `work` owns what it needs: the coroutine that waits
    // for it may be gone before it ends. Errors: all_slots_busy, when too much waits already.
    template <class Work>
    boost::asio::awaitable<std::invoke_result_t<Work>> run(Work work) {
        using Value = std::invoke_result_t<Work>;
        struct Shared {
            explicit Shared(boost::asio::any_io_executor io) : done(std::move(io)) {}
            AsyncSignal done;
            std::optional<Value> value;  // Thread: io.
        };
        auto shared = std::make_shared<Shared>(io_);
        const bool accepted = work_.send([io = io_, shared, work = std::move(work)] {
            boost::asio::post(io, [shared, value = run_caught(work)]() mutable {
                shared->value.emplace(std::move(value));
                shared->done.notify();
            });
        });
        if (!accepted)
            co_return fail(ErrorCode::all_slots_busy, "too many long requests wait: try again");
        while (!shared->value) co_await shared->done.wait_until(Clock::TimePoint::max());
        co_return std::move(*shared->value);
    }

private:
    template <class Work>
    static std::invoke_result_t<const Work&> run_caught(const Work& work) {
        try {
            return work();
        } catch (const std::exception& e) {
            return fail(ErrorCode::internal, e.what());
        }
    }

    static void* main(void* self);

    boost::asio::any_io_executor io_;
    Mailbox<std::function<void()>> work_;
    pthread_t thread_{};
};

}  // namespace worker

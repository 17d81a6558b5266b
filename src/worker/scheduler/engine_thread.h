#pragma once

#include "worker/base/clock.h"
#include "worker/base/mailbox.h"
#include "worker/engine/backend.h"
#include "worker/scheduler/engine_loop.h"
#include "worker/scheduler/status_board.h"

#include <chrono>
#include <functional>
#include <future>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace worker {

// The thread that owns the engine: loads it, then runs its loop until it is told to stop.
// Thread: io, for its functions.
template <class Input, class Output>
class EngineThread {
public:
    using Backend = InferenceBackend<Input, Output>;

    // On the engine thread.
    struct Callbacks {
        std::function<void(Result<void>)> loaded;  // once
        typename EngineLoop<Input, Output>::Deliver deliver;
    };

    EngineThread(Backend& backend, Mailbox<Command<Input>>& commands, StatusBoard& board,
                 const Clock& clock, Callbacks callbacks)
        : callbacks_(std::move(callbacks)),
          clock_(clock),
          commands_(commands),
          board_(board),
          backend_(backend) {}

    // Requires: not started before.
    void start() {
        board_.update([&](WorkerStatus& status) { status.loading_since = clock_.now(); });
        thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
    }

    // True when the thread has ended within `patience`: then its backend may be destroyed.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience) {
        if (!thread_.joinable()) return true;
        thread_.request_stop();
        commands_.close();
        backend_.interrupt();
        return ended_future_.wait_for(patience) == std::future_status::ready;
    }

private:
    void run(std::stop_token stop) {
        if (load(stop))
            EngineLoop<Input, Output>(backend_, commands_, board_, clock_, callbacks_.deliver)
                .run();
        ended_.set_value();
    }

    bool load(const std::stop_token& stop) {
        Result<void> loaded = load_backend(stop);
        const BackendStatus backend = loaded ? backend_.status() : BackendStatus{};
        board_.update([&](WorkerStatus& status) { status.backend = backend; });
        const bool ready = loaded.has_value();
        callbacks_.loaded(std::move(loaded));
        return ready;
    }

    Result<void> load_backend(const std::stop_token& stop) {
        try {
            return backend_.load([&](const LoadProgress& progress) {
                board_.update([&](WorkerStatus& status) { status.progress = progress; });
                return !stop.stop_requested();
            });
        } catch (const std::exception& e) {
            return fail(ErrorCode::internal, std::string("loading the model: ") + e.what());
        }
    }

    const Callbacks callbacks_;
    const Clock& clock_;
    Mailbox<Command<Input>>& commands_;
    StatusBoard& board_;
    Backend& backend_;
    std::promise<void> ended_;
    std::future<void> ended_future_ = ended_.get_future();
    std::jthread thread_;
};

}  // namespace worker

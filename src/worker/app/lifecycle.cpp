#include "worker/app/lifecycle.h"

#include "worker/base/assert.h"

#include <boost/asio/co_spawn.hpp>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

namespace worker {

using namespace std::chrono_literals;

namespace {

// A second is promised to whoever stops a worker that still loads.
constexpr std::chrono::milliseconds loading_stop_patience = 700ms;
// Replies that are complete go out, then connections are cut: a client that keeps its end open does
// not keep the worker from ending, which a queen wants within 2 s of which jobs may take 1.5.
constexpr std::chrono::milliseconds connections_patience = 300ms;
// A step under way is interrupted; this is for one that does not listen.
constexpr std::chrono::milliseconds engine_stop_patience = 5s;

constexpr const char* worker_actor = "llm-worker-rbee";

}  // namespace

Lifecycle::Lifecycle(const Parts& parts, std::chrono::milliseconds drain_timeout)
    : parts_(parts), drain_timeout_(drain_timeout), signals_(parts.io, SIGTERM, SIGINT) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
}

int Lifecycle::run() {
    await_signal();
    parts_.server.start();
    parts_.engine.start([this](const Result<void>& result) { loaded(result); });
    parts_.io.run();
    return exit_code_;
}

void Lifecycle::loaded(const Result<void>& result) {
    if (shutting_down_) return;
    if (!result) {
        load_failed(result.error());
        return;
    }
    if (on_ready) on_ready();
    parts_.board.update([](WorkerStatus& status) { status.life = LifeState::ready; });
}

void Lifecycle::load_failed(const Error& error) {
    parts_.board.update([&](WorkerStatus& status) {
        status.life = LifeState::failed;
        status.error = error;
    });
    const std::string code(traits(error.code).wire_name);
    parts_.narrator.narrate({.actor = "model-loader",
                             .action = "model_load_failed",
                             .target = "model",
                             .human = "Cannot load the model: " + code,
                             .error_kind = code});
    parts_.log.write(LogLevel::error, code + ": " + wire_message(error));
    finish(1);
}

void Lifecycle::await_signal() {
    signals_.async_wait([this](boost::system::error_code ec, int signal) {
        if (ec) return;  // Cancelled: the process ends.
        if (shutting_down_) std::_Exit(128 + signal);
        shut_down();
        await_signal();
    });
}

void Lifecycle::shut_down() {
    if (std::exchange(shutting_down_, true)) return;
    const bool serving = parts_.board.read().life == LifeState::ready;
    parts_.board.update([](WorkerStatus& status) { status.life = LifeState::draining; });
    parts_.engine.begin_drain();
    parts_.narrator.narrate({.actor = worker_actor,
                             .action = "drain_start",
                             .target = "worker",
                             .human = "Finishes what runs and takes nothing new"});
    if (!serving) return finish(0);
    boost::asio::co_spawn(parts_.io, drain(), [](const std::exception_ptr& failure) {
        WORKER_ASSERT(!failure);  // Nothing in it throws.
    });
}

boost::asio::awaitable<void> Lifecycle::drain() {
    co_await parts_.engine.wait_idle(parts_.clock.now() + drain_timeout_);
    parts_.engine.end_all({ErrorCode::cancelled, "the worker is shutting down", std::nullopt});
    parts_.server.stop_accepting();
    co_await parts_.server.finish(connections_patience);
    finish(0);
}

void Lifecycle::finish(int exit_code) {
    exit_code_ = exit_code;
    const bool loading = parts_.board.read().backend.slots_total == 0;
    const bool stopped = parts_.engine.stop(loading ? loading_stop_patience : engine_stop_patience);
    parts_.narrator.narrate(
        {.actor = worker_actor, .action = "server_shutdown", .target = "worker", .human = "Ends"});
    if (!stopped) std::_Exit(exit_code);  // The engine thread still uses what would be destroyed.
    parts_.io.stop();
}

}  // namespace worker

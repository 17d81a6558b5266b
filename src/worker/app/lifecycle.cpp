#include "worker/app/lifecycle.h"

#include "worker/base/assert.h"
#include "worker/base/async_signal.h"
#include "worker/scheduler/health.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

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

// For probes to see that the worker is not alive any more.
constexpr std::chrono::milliseconds death_notice = 2s;
constexpr int engine_died_exit_code = 3;

}  // namespace

Lifecycle::Lifecycle(const Parts& parts, std::chrono::milliseconds drain_timeout)
    : parts_(parts),
      drain_timeout_(drain_timeout),
      signals_(parts.io, SIGTERM, SIGINT),
      reload_signal_(parts.io, SIGHUP) {
    // What they tell is told by the write that fails, too.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    parts_.links.on_callback_failed = [this](const Error& error) { cannot_start(error); };
}

int Lifecycle::run() {
    await_signal();
    await_reload();
    if (const auto interval = parts_.notifier.watchdog_interval()) spawn(keep_alive(*interval));
    parts_.server.start();
    parts_.links.start();
    parts_.engine.start({.loaded = [this](const Result<void>& result) { loaded(result); },
                         .died = [this] { spawn(end_dead()); }});
    parts_.io.run();
    return exit_code_;
}

void Lifecycle::loaded(const Result<void>& result) {
    if (shutting_down_) return;
    if (!result) {
        const std::string code(traits(result.error().code).wire_name);
        parts_.narrator.narrate({.actor = "model-loader",
                                 .action = "model_load_failed",
                                 .target = "model",
                                 .human = "Cannot load the model: " + code,
                                 .error_kind = code});
        return cannot_start(result.error());
    }
    if (on_ready) on_ready();
    parts_.board.update([](WorkerStatus& status) { status.life = LifeState::ready; });
    parts_.notifier.ready();
    parts_.links.beat_now();  // Who heard of loading sends nothing here before it hears of this.
    parts_.links.worker_ready();
}

void Lifecycle::cannot_start(const Error& error) {
    if (std::exchange(shutting_down_, true)) return;
    parts_.board.update([&](WorkerStatus& status) {
        status.life = LifeState::failed;
        status.error = error;
    });
    parts_.log.write(LogLevel::error,
                     std::string(traits(error.code).wire_name) + ": " + wire_message(error));
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

void Lifecycle::await_reload() {
    reload_signal_.async_wait([this](boost::system::error_code ec, int) {
        if (ec) return;
        if (on_reload) on_reload();
        await_reload();
    });
}

boost::asio::awaitable<void> Lifecycle::keep_alive(std::chrono::microseconds interval) {
    AsyncSignal pause(parts_.io.get_executor());
    for (;;) {
        const Clock::TimePoint now = parts_.clock.now();
        if (judge(parts_.board.read(), now) != Health::unhealthy) parts_.notifier.alive();
        co_await pause.wait_until(now + interval);
    }
}

void Lifecycle::shut_down() {
    if (std::exchange(shutting_down_, true)) return;
    const bool serving = parts_.board.read().life == LifeState::ready;
    parts_.board.update([](WorkerStatus& status) { status.life = LifeState::draining; });
    parts_.engine.begin_drain();
    parts_.notifier.stopping();
    parts_.narrator.narrate({.action = "drain_start",
                             .target = "worker",
                             .human = "Finishes what runs and takes nothing new"});
    parts_.links.beat_now();
    spawn(serving ? drain() : close_connections());
}

boost::asio::awaitable<void> Lifecycle::drain() {
    co_await parts_.engine.wait_idle(parts_.clock.now() + drain_timeout_);
    parts_.engine.end_all({ErrorCode::cancelled, "the worker is shutting down", std::nullopt});
    co_await close_connections();
}

// Hives hear the last of us while clients read the last of theirs.
boost::asio::awaitable<void> Lifecycle::close_connections() {
    using namespace boost::asio::experimental::awaitable_operators;
    parts_.server.stop_accepting();
    boost::asio::awaitable<void> farewell =
        parts_.links.farewell(parts_.clock.now() + connections_patience);
    boost::asio::awaitable<void> clients = parts_.server.finish(connections_patience);
    co_await (std::move(farewell) && std::move(clients));
    finish(exit_code_);
}

// Whoever watches sees a worker that is not alive, and then none.
boost::asio::awaitable<void> Lifecycle::end_dead() {
    if (std::exchange(shutting_down_, true)) co_return;
    exit_code_ = engine_died_exit_code;
    parts_.log.write(LogLevel::error, "the engine has died: the worker ends");
    parts_.links.beat_now();
    AsyncSignal pause(parts_.io.get_executor());
    co_await pause.wait_until(parts_.clock.now() + death_notice);
    co_await close_connections();
}

void Lifecycle::spawn(boost::asio::awaitable<void> coroutine) {
    boost::asio::co_spawn(parts_.io, std::move(coroutine), [](const std::exception_ptr& failure) {
        WORKER_ASSERT(!failure);  // Nothing in them throws.
    });
}

void Lifecycle::finish(int exit_code) {
    exit_code_ = exit_code;
    const bool loading = parts_.board.read().backend.slots_total == 0;
    const bool stopped = parts_.engine.stop(loading ? loading_stop_patience : engine_stop_patience);
    parts_.narrator.narrate({.action = "server_shutdown", .target = "worker", .human = "Ends"});
    if (!stopped) std::_Exit(exit_code);  // The engine thread still uses what would be destroyed.
    parts_.io.stop();
}

}  // namespace worker

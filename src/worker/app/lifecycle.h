#pragma once

#include "worker/app/service_notifier.h"
#include "worker/base/clock.h"
#include "worker/hive/hive_links.h"
#include "worker/http/server.h"
#include "worker/narration/narrator.h"
#include "worker/scheduler/engine_host.h"
#include "worker/scheduler/status_board.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <functional>

namespace worker {

// A worker from its open port to its exit code: load, serve, drain, stop. Source: wire contract, 9.
// Thread: io; `run` makes the calling thread the io thread.
class Lifecycle {
public:
    struct Parts {
        boost::asio::io_context& io;
        HttpServer& server;
        EngineControl& engine;
        HiveLinks& links;
        const ServiceNotifier& notifier;
        StatusBoard& board;
        const Clock& clock;
        Narrator& narrator;
        Log& log;
    };

    Lifecycle(const Parts& parts, std::chrono::milliseconds drain_timeout);

    // Called when the engine is loaded, before anything is admitted to it.
    std::function<void()> on_ready;
    // Called for each SIGHUP.
    std::function<void()> on_reload;

    // Returns the process's exit code: 0 after a drain, 1 when the model could not be loaded or the
    // hive that started us could not be told, 3 when the engine has died.
    // A second signal ends the process inside this call.
    int run();

    // As the first SIGTERM. Called again it does nothing.
    void shut_down();

private:
    void await_signal();
    void await_reload();
    void loaded(const Result<void>& result);
    void cannot_start(const Error& error);
    boost::asio::awaitable<void> keep_alive(std::chrono::microseconds interval);
    boost::asio::awaitable<void> drain();
    boost::asio::awaitable<void> end_dead();
    boost::asio::awaitable<void> close_connections();
    void spawn(boost::asio::awaitable<void> coroutine);
    void finish(int exit_code);

    const Parts parts_;
    const std::chrono::milliseconds drain_timeout_;
    boost::asio::signal_set signals_;
    boost::asio::signal_set reload_signal_;
    bool shutting_down_ = false;
    int exit_code_ = 0;
};

}  // namespace worker

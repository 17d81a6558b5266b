#pragma once

#include "worker/app/config.h"
#include "worker/app/lifecycle.h"
#include "worker/app/memory_watch.h"
#include "worker/app/service_notifier.h"
#include "worker/base/clock.h"
#include "worker/base/log.h"
#include "worker/base/result.h"
#include "worker/hive/hive_links.h"
#include "worker/http/bearer_auth.h"
#include "worker/http/router.h"
#include "worker/http/server.h"
#include "worker/http/status_routes.h"
#include "worker/metrics/metrics.h"
#include "worker/narration/narrator.h"
#include "worker/scheduler/engine_host.h"
#include "worker/scheduler/status_board.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace worker {

// A worker of any modality but for its engine and its own routes: who it is, what it says of
// itself, who may call it, whom it reports to, and its life. Members in the order of that life;
// they end in the opposite order. Thread: io, except where it says otherwise.
class Daemon {
public:
    // All of it outlives the daemon.
    struct Parts {
        const Config& config;
        Log& log;
        const Clock& clock;
        Narrator& narrator;
        const ServiceNotifier& notifier;
        std::string program;
        std::string version;
        // Reads the settings again, after SIGHUP; empty: nothing is read again.
        std::function<Result<Config>()> reload = {};
        MemoryWatch::Pace memory_pace = {};
    };

    explicit Daemon(Parts parts);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // For the modality's own parts.
    boost::asio::io_context& io() { return io_; }
    StatusBoard& board() { return board_; }
    Metrics& metrics() { return metrics_; }

    // Opens the port. `add_routes` adds the modality's own; `on_ready` is called once the engine is
    // loaded, before anything is admitted to it. Requires: called once; `engine` is alive in `run`.
    // Errors: bind_failed, config_invalid.
    Result<void> open(EngineControl& engine, const std::function<void(Router&)>& add_routes,
                      std::function<ServedModel()> on_ready);

    std::uint16_t port() const { return server_->port(); }

    // Loads, serves, drains; returns the process's exit code. The calling thread becomes io.
    int run() { return life_->run(); }
    // As the first SIGTERM. Thread: any.
    void shut_down();

private:
    Result<void> open_server();
    Result<void> open_links();
    void add_own_routes(const EngineControl& engine);
    void watch_memory();
    void narrate_address();
    void reload();
    Heartbeat heartbeat() const;
    ReadyCallback ready_callback() const;

    const Parts parts_;
    Metrics metrics_;
    StatusBoard board_;
    boost::asio::io_context io_{1};
    StatusSources sources_;
    BearerAuth auth_;
    std::string bearer_;  // what hives are shown
    Router router_;
    std::unique_ptr<HttpServer> server_;
    std::unique_ptr<HiveLinks> links_;
    std::optional<Lifecycle> life_;
    std::optional<MemoryWatch> memory_watch_;
};

}  // namespace worker

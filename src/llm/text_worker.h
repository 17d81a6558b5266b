#pragma once

#include "llm/api/text_service.h"
#include "llm/batching/text_backend.h"
#include "llm/settings.h"
#include "worker/app/config.h"
#include "worker/app/lifecycle.h"
#include "worker/base/clock.h"
#include "worker/base/log.h"
#include "worker/http/server.h"
#include "worker/http/status_routes.h"
#include "worker/metrics/metrics.h"
#include "worker/narration/narrator.h"
#include "worker/scheduler/codec_thread.h"
#include "worker/scheduler/engine_host.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace llm {

inline constexpr const char* program_name = "llm-worker-rbee";
inline constexpr const char* program_version = RBEE_VERSION;

// A text worker from its open port to its end, over whatever model the loader brings. Its members
// are the parts of a worker in the order of its life; they end in the opposite order.
class TextWorker {
public:
    struct Parts {
        worker::Log& log;
        const worker::Clock& clock;
        worker::Narrator& narrator;
        ModelLoader loader;
        // Asked once, when the loader has succeeded. Thread: io.
        std::function<worker::ServedModel()> served_model;
    };

    // Opens the port and touches no model yet. Requires: `config` and `parts` outlive the worker.
    // Errors: bind_failed.
    static Result<std::unique_ptr<TextWorker>> bind(const worker::Config& config,
                                                    const TextSettings& settings, Parts parts);

    std::uint16_t port() const { return server_->port(); }

    // Loads, serves, drains; returns the process's exit code. The calling thread becomes io.
    int run() { return life_->run(); }
    // As the first SIGTERM. Thread: any.
    void shut_down();

private:
    TextWorker(const worker::Config& config, const TextSettings& settings, Parts parts);

    const Parts parts_;
    worker::Metrics metrics_;
    worker::StatusBoard board_;
    boost::asio::io_context io_{1};
    worker::StatusSources sources_;
    TextBackend backend_;
    worker::EngineHost<GenerateJob, TextOutput> engine_;
    worker::CodecThread codec_;
    TextService service_;
    worker::Router router_;
    std::unique_ptr<worker::HttpServer> server_;
    std::optional<worker::Lifecycle> life_;
};

}  // namespace llm

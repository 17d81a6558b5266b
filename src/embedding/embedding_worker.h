#pragma once

#include "embedding/api/embedding_service.h"
#include "embedding/batching/embedding_backend.h"
#include "embedding/settings.h"
#include "worker/app/daemon.h"
#include "worker/app/engine_daemon.h"
#include "worker/http/status_routes.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace embedding {

// A worker for embeddings from its open port to its end, over whatever model the loader brings. Its
// members end in the opposite order of their beginning.
class EmbeddingWorker {
public:
    struct Parts {
        worker::Daemon::Parts daemon;
        ModelLoader loader;
        // Asked once, when the loader has succeeded. Thread: io.
        std::function<worker::ServedModel()> served_model;
    };

    // Opens the port and touches no model yet. Requires: what `parts` refer to outlives the worker.
    // Errors: bind_failed, config_invalid.
    static Result<std::unique_ptr<EmbeddingWorker>> bind(const EmbeddingSettings& settings,
                                                         Parts parts);

    std::uint16_t port() const { return daemon_.port(); }

    // Loads, serves, drains; returns the process's exit code. The calling thread becomes io.
    int run() { return daemon_.run(); }
    // As the first SIGTERM. Thread: any.
    void shut_down() { daemon_.shut_down(); }

private:
    EmbeddingWorker(const EmbeddingSettings& settings, Parts parts);

    void add_routes(worker::Router& router);
    worker::ServedModel ready();

    const EmbeddingSettings settings_;
    const Parts parts_;
    EmbeddingBackend backend_;
    worker::EngineDaemon<EmbedJob, EmbeddingOutput> daemon_;
    EmbeddingService service_;
};

}  // namespace embedding

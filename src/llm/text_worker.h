#pragma once

#include "llm/api/text_service.h"
#include "llm/batching/text_backend.h"
#include "llm/settings.h"
#include "worker/app/daemon.h"
#include "worker/app/engine_daemon.h"
#include "worker/http/status_routes.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace llm {

// A text worker from its open port to its end, over whatever model the loader brings. Its members
// end in the opposite order of their beginning.
class TextWorker {
public:
    struct Parts {
        worker::Daemon::Parts daemon;
        ModelLoader loader;
        // Asked once, when the loader has succeeded. Thread: io.
        std::function<worker::ServedModel()> served_model;
    };

    // Opens the port and touches no model yet. Requires: what `parts` refer to outlives the worker.
    // Errors: bind_failed, config_invalid.
    static Result<std::unique_ptr<TextWorker>> bind(const TextSettings& settings, Parts parts);

    std::uint16_t port() const { return daemon_.port(); }

    // Loads, serves, drains; returns the process's exit code. The calling thread becomes io.
    int run() { return daemon_.run(); }
    // As the first SIGTERM. Thread: any.
    void shut_down() { daemon_.shut_down(); }

private:
    TextWorker(const TextSettings& settings, Parts parts);

    void add_routes(worker::Router& router);
    worker::ServedModel ready();
    std::shared_ptr<const ChatFormat> chat_format(
        const ModelCard& card, std::shared_ptr<const Vocabulary> vocabulary) const;

    const TextSettings settings_;
    const Parts parts_;
    TextBackend backend_;
    worker::EngineDaemon<GenerateJob, TextOutput> daemon_;
    TextService service_;
};

}  // namespace llm

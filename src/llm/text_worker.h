#pragma once

#include "llm/api/text_service.h"
#include "llm/batching/text_backend.h"
#include "llm/settings.h"
#include "worker/app/config.h"
#include "worker/app/daemon.h"
#include "worker/app/service_notifier.h"
#include "worker/base/clock.h"
#include "worker/base/log.h"
#include "worker/http/status_routes.h"
#include "worker/narration/narrator.h"
#include "worker/scheduler/codec_thread.h"
#include "worker/scheduler/engine_host.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace llm {

inline constexpr const char* program_name = "llm-worker-rbee";
inline constexpr const char* program_version = RBEE_VERSION;

// A text worker from its open port to its end, over whatever model the loader brings. Its members
// end in the opposite order of their beginning.
class TextWorker {
public:
    struct Parts {
        worker::Log& log;
        const worker::Clock& clock;
        worker::Narrator& narrator;
        const worker::ServiceNotifier& notifier;
        ModelLoader loader;
        // Asked once, when the loader has succeeded. Thread: io.
        std::function<worker::ServedModel()> served_model;
        // Reads the settings again, after SIGHUP.
        std::function<Result<worker::Config>()> reload = {};
    };

    // Opens the port and touches no model yet. Requires: `config` and `parts` outlive the worker.
    // Errors: bind_failed, config_invalid.
    static Result<std::unique_ptr<TextWorker>> bind(const worker::Config& config,
                                                    const TextSettings& settings, Parts parts);

    std::uint16_t port() const { return daemon_.port(); }

    // Loads, serves, drains; returns the process's exit code. The calling thread becomes io.
    int run() { return daemon_.run(); }
    // As the first SIGTERM. Thread: any.
    void shut_down() { daemon_.shut_down(); }

private:
    TextWorker(const worker::Config& config, const TextSettings& settings, Parts parts);

    void add_routes(worker::Router& router);
    worker::ServedModel ready();
    std::shared_ptr<const ChatFormat> chat_format(
        const ModelCard& card, std::shared_ptr<const Vocabulary> vocabulary) const;

    const worker::Config& config_;
    const TextSettings settings_;
    const std::function<worker::ServedModel()> served_model_;
    worker::Daemon daemon_;
    TextBackend backend_;
    worker::EngineHost<GenerateJob, TextOutput> engine_;
    worker::CodecThread codec_;
    TextService service_;
};

}  // namespace llm

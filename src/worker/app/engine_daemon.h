#pragma once

#include "worker/app/daemon.h"
#include "worker/engine/backend.h"
#include "worker/http/job_service.h"
#include "worker/http/router.h"
#include "worker/scheduler/codec_thread.h"
#include "worker/scheduler/engine_host.h"
#include "worker/scheduler/limits.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace worker {

// A daemon with an engine in it and the thread that reads large bodies for its routes: what every
// worker has whatever it computes. Thread: io, except where it says otherwise.
template <class Input, class Output>
class EngineDaemon {
public:
    struct Parts {
        Daemon::Parts daemon;
        InferenceBackend<Input, Output>& backend;
        SchedulerLimits limits;
        std::function<void(const JobTerms&, const Output&)> on_output = {};
    };

    // Requires: all of `parts` outlives it.
    explicit EngineDaemon(const Parts& parts)
        : parts_(parts.daemon),
          daemon_(parts.daemon),
          engine_({.io = daemon_.io().get_executor(),
                   .backend = parts.backend,
                   .board = daemon_.board(),
                   .clock = parts_.clock,
                   .metrics = daemon_.metrics(),
                   .narrator = parts_.narrator,
                   .on_output = parts.on_output},
                  parts.limits, parts_.config.parallel),
          codec_(daemon_.io().get_executor(), codec_waiting_max) {}

    // What the routes need of it.
    JobService<Input, Output> service() {
        return {.scheduler = engine_.scheduler(),
                .jobs = engine_.jobs(),
                .codec = codec_,
                .board = daemon_.board(),
                .clock = parts_.clock,
                .log = parts_.log,
                .model_ref = parts_.config.model_ref,
                .request_timeout = parts_.config.request_timeout,
                .log_content = parts_.config.log_content};
    }

    // As `Daemon::open`.
    Result<void> open(const std::function<void(Router&)>& add_routes,
                      std::function<ServedModel()> on_ready) {
        return daemon_.open(engine_, add_routes, std::move(on_ready));
    }

    std::uint16_t port() const { return daemon_.port(); }
    int run() { return daemon_.run(); }
    // Thread: any.
    void shut_down() { daemon_.shut_down(); }

private:
    // Long requests that may wait for the codec thread: each holds its body.
    static constexpr std::size_t codec_waiting_max = 64;

    const Daemon::Parts parts_;
    Daemon daemon_;
    EngineHost<Input, Output> engine_;
    CodecThread codec_;
};

}  // namespace worker

#include "worker/http/status_routes.h"

#include "worker/base/async_signal.h"
#include "worker/contract/event_frames.h"
#include "worker/contract/health.h"
#include "worker/contract/loading_progress.h"
#include "worker/contract/readiness.h"
#include "worker/scheduler/health.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace worker {

using boost::asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds progress_interval = 100ms;

// A reply that follows from the status alone.
using Answer = Response (*)(const StatusSources& sources, const WorkerStatus& status);

HealthReport health_report(const StatusSources& sources, const WorkerStatus& status) {
    const Clock::TimePoint now = sources.clock.now();
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now - sources.started);
    return {.status = std::string(wire_name(judge(status, now))),
            .state = std::string(state_word(status)),
            .vram_bytes = status.backend.device_bytes,
            .model = sources.identity.model_ref,
            .context_length = sources.model.context_length,
            .uptime_seconds = static_cast<std::uint64_t>(uptime.count()),
            .slots_total = status.backend.slots_total,
            .slots_busy = status.backend.slots_busy};
}

Response json_response(const JsonObject& object, int status = 200) {
    return {.status = status, .body = object.text()};
}

Response word_response(std::string_view word, bool good) {
    return {.status = good ? 200 : 503,
            .content_type = "text/plain; charset=utf-8",
            .body = std::string(word)};
}

Response health(const StatusSources& sources, const WorkerStatus& status) {
    const bool unwell = status.life == LifeState::loading ||
                        judge(status, sources.clock.now()) == Health::unhealthy;
    return json_response(to_json(health_report(sources, status)), unwell ? 503 : 200);
}

Response root(const StatusSources& sources, const WorkerStatus& status) {
    return json_response(to_json(health_report(sources, status)), status.takes_work() ? 200 : 503);
}

Response livez(const StatusSources& sources, const WorkerStatus& status) {
    const bool alive = judge(status, sources.clock.now()) != Health::unhealthy;
    return word_response(alive ? "alive" : "unhealthy", alive);
}

Response readyz(const StatusSources&, const WorkerStatus& status) {
    if (status.takes_work()) return word_response("ready", true);
    const bool only_short = status.life == LifeState::ready;
    return word_response(only_short ? wire_name(Health::degraded) : state_word(status), false);
}

Response readiness(const StatusSources&, const WorkerStatus& status) {
    Readiness readiness{.ready = status.takes_work(),
                        .state = std::string(state_word(status)),
                        .model_loaded = status.backend.slots_total > 0,
                        .error = status.error};
    if (status.life == LifeState::ready && status.device_memory_short)
        readiness.error = Error{ErrorCode::insufficient_resources,
                                std::string(device_memory_short_message), std::nullopt};
    return json_response(to_json(readiness));
}

WorkerInfo::Status info_status(const WorkerStatus& status) {
    switch (status.life) {
        case LifeState::loading: return WorkerInfo::Status::starting;
        case LifeState::draining: return WorkerInfo::Status::stopping;
        case LifeState::failed: return WorkerInfo::Status::stopped;
        case LifeState::ready: break;
    }
    return status.has_work() ? WorkerInfo::Status::busy : WorkerInfo::Status::ready;
}

Response info(const StatusSources& sources, const WorkerStatus&) {
    JsonObject object = to_json(worker_info(sources));
    return json_response(object.add_all(sources.model.details));
}

Response metrics(const StatusSources& sources, const WorkerStatus& status) {
    return {.status = 200,
            .content_type = std::string(Metrics::content_type),
            .body = sources.metrics.scrape({.uptime = sources.clock.now() - sources.started,
                                            .device_bytes = status.backend.device_bytes,
                                            .jobs_running = status.jobs_running,
                                            .jobs_queued = status.jobs_queued,
                                            .cells_used = status.backend.cells_used,
                                            .cells_total = status.backend.cells_total,
                                            .jobs_parked = status.backend.jobs_parked})};
}

awaitable<void> answer(const StatusSources& sources, Answer make, ReplyWriter& reply) {
    reply.send(make(sources, sources.board.read()));
    co_return;
}

LoadingProgress progress_of(const StatusSources& sources, const WorkerStatus& status) {
    const LoadProgress& progress = status.progress;
    // Hives know one word for a load; a conversion before it takes minutes and has its own.
    const bool converts = progress.stage == "converting";
    LoadingProgress line{.stage = converts ? "converting" : "loading_to_vram",
                         .layers_loaded = progress.layers_loaded,
                         .layers_total = progress.layers_total,
                         .vram_mb = progress.bytes_loaded >> 20,
                         .percent = static_cast<std::uint32_t>(progress.fraction * 100),
                         .eta_ms = std::nullopt};
    if (progress.fraction > 0) {
        const std::chrono::duration<double, std::milli> spent =
            sources.clock.now() - status.loading_since;
        line.eta_ms =
            static_cast<std::uint64_t>(spent.count() * (1 - progress.fraction) / progress.fraction);
    }
    return line;
}

awaitable<void> stream_progress(const StatusSources& sources, ReplyWriter& reply) {
    const bool begun = co_await reply.begin_stream({});
    if (!begun) co_return;
    AsyncSignal pause(co_await boost::asio::this_coro::executor);
    std::string last;
    for (;;) {
        const WorkerStatus status = sources.board.read();
        if (status.life == LifeState::ready) break;
        if (status.life != LifeState::loading) co_return;  // It will never be ready.
        std::string frame = sse_frame(to_json(progress_of(sources, status)));
        if (frame != last) {
            last = frame;
            const bool written = co_await reply.write(std::move(frame));
            if (!written) co_return;
        }
        co_await pause.wait_until(sources.clock.now() + progress_interval);
    }
    co_await reply.write(std::string(loading_ready_frame) + std::string(done_marker));
}

std::string narration_frames(const NarrationSubscription::Taken& taken) {
    std::string frames;
    for (const std::string& line : taken.lines) frames += "data: " + line + "\n\n";
    if (taken.lines_dropped > 0)
        frames += sse_frame(JsonObject().add("lines_dropped", taken.lines_dropped));
    return frames;
}

awaitable<void> stream_narration(const StatusSources& sources, const Request& request,
                                 ReplyWriter& reply) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto arrived = std::make_shared<AsyncSignal>(executor);
    const auto subscription = sources.narrator.subscribe(
        request.query_value("job_id"),
        [executor, arrived] { boost::asio::post(executor, [arrived] { arrived->notify(); }); });
    const bool begun = co_await reply.begin_stream({});
    if (!begun) co_return;
    for (;;) {
        co_await arrived->wait_until(Clock::TimePoint::max());
        std::string frames = narration_frames(subscription->take());
        if (frames.empty()) continue;
        const bool written = co_await reply.write(std::move(frames));
        if (!written) co_return;
    }
}

void add_answer(Router& router, const StatusSources& sources, std::string path, Answer make) {
    router.add({.method = "GET",
                .pattern = std::move(path),
                .access = Access::open,
                .handler = [&sources, make](Request&, ReplyWriter& reply) {
                    return answer(sources, make, reply);
                }});
}

}  // namespace

WorkerInfo worker_info(const StatusSources& sources) {
    return {.id = sources.identity.worker_id,
            .model_id = sources.identity.model_ref,
            .device = sources.model.device,
            .port = sources.identity.port,
            .status = info_status(sources.board.read()),
            .implementation = sources.identity.implementation,
            .version = sources.identity.version};
}

awaitable<void> send_json(JsonObject object, ReplyWriter& reply) {
    reply.send(json_response(object));
    co_return;
}

void add_status_routes(Router& router, const StatusSources& sources) {
    for (const char* path : {"/health", "/v1/health"}) add_answer(router, sources, path, health);
    for (const char* path : {"/ready", "/v1/ready"}) add_answer(router, sources, path, readiness);
    add_answer(router, sources, "/", root);
    add_answer(router, sources, "/livez", livez);
    add_answer(router, sources, "/readyz", readyz);
    add_answer(router, sources, "/info", info);
    add_answer(router, sources, "/metrics", metrics);
    router.add({.method = "GET",
                .pattern = "/v1/loading/progress",
                .handler = [&sources](Request&, ReplyWriter& reply) {
                    return stream_progress(sources, reply);
                }});
    router.add({.method = "GET",
                .pattern = "/v1/narration",
                .handler = [&sources](Request& request, ReplyWriter& reply) {
                    return stream_narration(sources, request, reply);
                }});
}

}  // namespace worker

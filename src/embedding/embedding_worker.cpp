#include "embedding/embedding_worker.h"

#include "embedding/api/embedding_routes.h"

#include <filesystem>
#include <utility>

namespace embedding {

namespace {

// A job's vectors wait for its readers all together: so many inputs of the widest known models.
constexpr std::size_t job_bytes_max = inputs_max * 4096 * sizeof(float);

worker::SchedulerLimits limits_of(const worker::Config& config) {
    worker::SchedulerLimits limits{.queue_max = config.queue_max()};
    limits.unread_bytes = limits.kept_bytes = job_bytes_max;
    limits.finished_bytes = 4 * job_bytes_max;
    return limits;
}

}  // namespace

EmbeddingWorker::EmbeddingWorker(const EmbeddingSettings& settings, Parts parts)
    : settings_(settings),
      parts_(std::move(parts)),
      backend_(parts_.loader, parts_.daemon.clock, parts_.daemon.config.parallel),
      daemon_({.daemon = parts_.daemon,
               .backend = backend_,
               .limits = limits_of(parts_.daemon.config)}),
      service_{daemon_.service()} {}

Result<std::unique_ptr<EmbeddingWorker>> EmbeddingWorker::bind(const EmbeddingSettings& settings,
                                                               Parts parts) {
    std::unique_ptr<EmbeddingWorker> made(new EmbeddingWorker(settings, std::move(parts)));
    EmbeddingWorker& self = *made;
    const Result<void> opened =
        self.daemon_.open([&self](worker::Router& router) { self.add_routes(router); },
                          [&self] { return self.ready(); });
    if (!opened) return worker::fail(opened.error());
    return made;
}

void EmbeddingWorker::add_routes(worker::Router& router) {
    const worker::Config& config = parts_.daemon.config;
    const std::string file_name = std::filesystem::path(config.model).filename().string();
    add_embedding_routes(
        router, service_,
        {.native = {.limits = {.input_chars_max = settings_.input_chars_max},
                    .one_call = config.callback_url ? worker::OneCall::by_default
                                                    : worker::OneCall::on_request},
         .model = {.names = {config.model_ref, file_name, "default"}, .any = settings_.any_model}});
}

worker::ServedModel EmbeddingWorker::ready() {
    service_.model = {.vocabulary = backend_.vocabulary(),
                      .context_max = backend_.capabilities().context_max,
                      .dimensions = backend_.capabilities().dimensions,
                      .card = backend_.card(),
                      .loaded_at = worker::unix_seconds(service_.clock.wall_now())};
    return parts_.served_model();
}

}  // namespace embedding

#include "embedding/embedding_worker.h"

#include "embedding/api/embedding_routes.h"

#include <filesystem>
#include <utility>

namespace embedding {

EmbeddingWorker::EmbeddingWorker(const EmbeddingSettings& settings, Parts parts)
    : settings_(settings),
      parts_(std::move(parts)),
      backend_(parts_.loader, parts_.daemon.clock, parts_.daemon.config.parallel),
      daemon_({.daemon = parts_.daemon,
               .backend = backend_,
               .limits = limits_of(parts_.daemon.config.queue_max())}),
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
    service_.model = view_of(backend_, service_.clock);
    return parts_.served_model();
}

}  // namespace embedding

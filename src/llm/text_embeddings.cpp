#include "llm/text_embeddings.h"

#include "embedding/api/openai_embeddings.h"
#include "worker/app/engine_daemon.h"

#include <utility>

namespace llm {

TextEmbeddings::TextEmbeddings(const Parts& parts)
    : find_loader_(parts.find_loader),
      backend_(
          [this](const worker::LoadObserver& observer, const std::atomic<bool>& interrupted) {
              return loader_(observer, interrupted);
          },
          parts.parts.clock, parts.parts.config.parallel),
      engine_({.io = parts.daemon.io().get_executor(),
               .backend = backend_,
               .board = board_,
               .clock = parts.parts.clock,
               .metrics = parts.daemon.metrics(),
               .narrator = parts.parts.narrator},
              embedding::limits_of(parts.parts.config.queue_max()), parts.parts.config.parallel),
      service_{worker::job_service(engine_, board_, parts.codec, parts.parts)} {
    board_.update(
        [&](worker::WorkerStatus& status) { status.loading_since = parts.parts.clock.now(); });
}

void TextEmbeddings::add_routes(worker::Router& router, const worker::ModelNames& names) {
    embedding::add_openai_embeddings(router, service_, names);
}

bool TextEmbeddings::wanted() {
    if (find_loader_) loader_ = find_loader_();
    return loader_ != nullptr;
}

void TextEmbeddings::ready() {
    board_.update([](worker::WorkerStatus& status) { status.life = worker::LifeState::ready; });
    if (loader_) service_.model = embedding::view_of(backend_, service_.clock);
}

}  // namespace llm

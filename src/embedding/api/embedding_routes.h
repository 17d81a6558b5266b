#pragma once

#include "embedding/api/embedding_service.h"
#include "embedding/api/native_routes.h"
#include "worker/http/router.h"
#include "worker/openai/model_names.h"

namespace embedding {

struct EmbeddingRouteSettings {
    NativeSettings native = {};
    worker::ModelNames model = {};
};

// All that a worker for embeddings has of its own: the native routes, OpenAI's embeddings and
// models, and the tokeniser. Requires: `service` outlives the router.
void add_embedding_routes(worker::Router& router, EmbeddingService& service,
                          const EmbeddingRouteSettings& settings);

}  // namespace embedding

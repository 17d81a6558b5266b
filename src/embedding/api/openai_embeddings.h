#pragma once

#include "embedding/api/embedding_service.h"
#include "worker/http/router.h"
#include "worker/openai/model_names.h"

namespace embedding {

// POST /v1/embeddings, under /openai too. Source: OpenAI, API reference, "Create embeddings".
// Requires: `service` outlives the router.
void add_openai_embeddings(worker::Router& router, EmbeddingService& service,
                           const worker::ModelNames& names);

}  // namespace embedding

#pragma once

#include "llm/api/text_service.h"
#include "worker/http/router.h"

namespace llm {

// GET /v1/models and /v1/models/{id}, under /openai too. Source: OpenAI, the model object.
// Requires: `service` outlives the router.
void add_model_routes(worker::Router& router, TextService& service);

}  // namespace llm

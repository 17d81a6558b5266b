#pragma once

#include "llm/api/text_service.h"
#include "worker/http/router.h"

#include <string>
#include <vector>

namespace llm {

// GET /v1/models and /v1/models/{id}, under /openai too. Source: OpenAI, the model object.
// Requires: `service` outlives the router.
// `names`: what a request may call the model.
void add_model_routes(worker::Router& router, TextService& service,
                      const std::vector<std::string>& names);

}  // namespace llm

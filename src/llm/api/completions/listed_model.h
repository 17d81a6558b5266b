#pragma once

#include "llm/api/text_service.h"
#include "worker/openai/model_routes.h"

namespace llm {

// What /v1/models says of the model. Thread: io.
worker::ListedModel listed(const TextService& service);

}  // namespace llm

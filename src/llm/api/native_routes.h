#pragma once

#include "llm/api/generate_request.h"
#include "llm/api/text_service.h"
#include "worker/http/router.h"

namespace llm {

// POST /v1/inference. Source: wire contract, section 4.
// Requires: `service` outlives the router.
void add_native_routes(worker::Router& router, TextService& service, const NativeLimits& limits);

}  // namespace llm

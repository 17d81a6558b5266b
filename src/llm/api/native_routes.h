#pragma once

#include "llm/api/generate_request.h"
#include "llm/api/text_service.h"
#include "worker/http/router.h"

namespace llm {

// Whether a POST without any wish is answered by its own stream: so it is for a hive that starts
// the worker with a callback.
enum class OneCall : std::uint8_t { on_request, by_default };

struct NativeSettings {
    NativeLimits limits = {};
    OneCall one_call = OneCall::on_request;
};

// POST /v1/inference, POST /v1/jobs, and the routes of jobs by their ids.
// Source: wire contract, section 4. Requires: `service` outlives the router.
void add_native_routes(worker::Router& router, TextService& service,
                       const NativeSettings& settings);

}  // namespace llm

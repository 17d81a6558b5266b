#pragma once

#include "embedding/api/embed_request.h"
#include "embedding/api/embedding_service.h"
#include "worker/http/job_wishes.h"
#include "worker/http/router.h"

namespace embedding {

struct NativeSettings {
    NativeLimits limits = {};
    worker::OneCall one_call = worker::OneCall::on_request;
};

// POST /v1/inference, POST /v1/jobs, and the routes of jobs by their ids.
// Source: wire contract, section 4. Requires: `service` outlives the router.
void add_native_routes(worker::Router& router, EmbeddingService& service,
                       const NativeSettings& settings);

}  // namespace embedding

#pragma once

#include "worker/http/router.h"

#include <chrono>
#include <functional>

namespace worker {

// How the worker is told to end, and how long running jobs may take after that.
struct Shutdown {
    std::function<void()> shut_down;  // may be called again; may end the io loop
    std::chrono::milliseconds drain_timeout;
};

// POST /v1/shutdown and /v1/admin/shutdown. The worker is told once the reply is on its way.
// Source: wire contract, section 3.
void add_shutdown_routes(Router& router, const Shutdown& shutdown);

}  // namespace worker

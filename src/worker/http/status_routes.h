#pragma once

#include "worker/base/clock.h"
#include "worker/contract/json_object.h"
#include "worker/contract/worker_info.h"
#include "worker/device/device.h"
#include "worker/http/router.h"
#include "worker/metrics/metrics.h"
#include "worker/narration/narrator.h"
#include "worker/scheduler/status_board.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace worker {

// Who this worker is. Constant once the port is known.
struct WorkerIdentity {
    std::string worker_id = {};
    std::string model_ref = {};
    std::string implementation = {};
    std::string version = {};
    std::uint16_t port = 0;
};

// What is known once the model is loaded. Thread: io, but for `device_memory`: any.
struct ServedModel {
    std::string device = "cpu:0";
    std::optional<std::uint32_t> context_length = {};
    std::function<DeviceMemory()> device_memory = {};  // empty on a processor
    JsonObject details = {};  // what /info says beside WorkerInfo: model, capabilities, engine, …
};

// Outlives the server.
struct StatusSources {
    const StatusBoard& board;
    const Clock& clock;
    const Metrics& metrics;
    Narrator& narrator;
    Clock::TimePoint started;
    WorkerIdentity identity;
    ServedModel model;
};

WorkerInfo worker_info(const StatusSources& sources);

boost::asio::awaitable<void> send_json(JsonObject object, ReplyWriter& reply);

// What any worker says of itself: /health /v1/health /livez /readyz / /ready /v1/ready
// /v1/loading/progress /info /metrics /v1/narration. None of them waits for the engine.
// Source: wire contract, section 3. Requires: `sources` outlives the router.
void add_status_routes(Router& router, const StatusSources& sources);

}  // namespace worker

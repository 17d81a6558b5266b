#pragma once

#include "worker/base/error.h"
#include "worker/contract/json_object.h"

#include <optional>
#include <string>

namespace worker {

// The body of /v1/ready. Source: wire contract, 3.
struct Readiness {
    bool ready = false;               // new work is taken
    std::string state;                // "loading", "idle", "busy", "draining" or "error"
    bool model_loaded = false;        // until then callers are sent to the progress route
    std::optional<Error> error = {};  // why the model will never be loaded
};

JsonObject to_json(const Readiness& readiness);

}  // namespace worker

#pragma once

#include "worker/contract/json_object.h"

#include <cstdint>
#include <string>

namespace worker {

// Tells a hive that the worker it started takes work. Source: wire contract, 7.
struct ReadyCallback {
    std::string worker_id;
    std::string url;  // where the hive reaches this worker
    std::string model_ref;
    std::string backend;       // "cpu"
    std::uint32_t device = 0;  // index
    std::uint64_t vram_bytes = 0;
};

JsonObject to_json(const ReadyCallback& callback);

}  // namespace worker

#pragma once

#include "worker/contract/json_object.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace worker {

// What a queen stores about a worker: the first seven keys of /info. Source: wire contract, 3.
struct WorkerInfo {
    enum class Status : std::uint8_t { starting, ready, busy, stopping, stopped };

    std::string id;
    std::string model_id;
    std::string device;  // "cpu:0"
    std::uint16_t port = 0;
    Status status = Status::starting;
    std::string implementation;  // "llm-worker-rbee"
    std::string version;
};

constexpr std::string_view wire_name(WorkerInfo::Status status) {
    switch (status) {
        case WorkerInfo::Status::starting: return "starting";
        case WorkerInfo::Status::ready: return "ready";
        case WorkerInfo::Status::busy: return "busy";
        case WorkerInfo::Status::stopping: return "stopping";
        case WorkerInfo::Status::stopped: return "stopped";
    }
    __builtin_unreachable();
}

// The seven keys; /info adds its own behind them.
JsonObject to_json(const WorkerInfo& worker);

}  // namespace worker

#pragma once

#include "worker/app/config.h"
#include "worker/app/flag_value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace worker {

// What `--device` names.
struct DeviceChoice {
    std::string backend;  // cpu gpu cuda metal rocm vulkan; empty: numbers only
    std::vector<std::uint32_t> indices = {0};  // each once
};

// "0", "0,1", "cpu", "cuda:0", "GPU-0", "metal", "cuda:0,cuda:1".
ValueKind<DeviceChoice> device_choice();

// What the flags fill in; `resolve` completes `config` from the rest.
struct Draft {
    Config config;
    DeviceChoice device;
    std::optional<std::string> api_token;  // secret, from the environment
    std::optional<std::string> config_file;
    bool check_config = false;
};

// The flags of every worker. Requires: `draft` outlives them.
std::vector<FlagGroup> worker_flags(Draft& draft);

}  // namespace worker

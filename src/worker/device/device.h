#pragma once

#include "worker/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Something that computes. The processor is one too, with index 0.
struct Device {
    std::uint32_t index = 0;  // among the devices of its kind
    std::string name;         // for people: "NVIDIA H100"
    std::string kind;         // cpu cuda metal rocm vulkan
    std::uint64_t memory_total_bytes = 0;
    std::uint64_t memory_free_bytes = 0;
};

// Of the devices that compute.
struct DeviceMemory {
    std::uint64_t total_bytes = 0;       // of all together
    std::uint64_t least_free_bytes = 0;  // of the one that has the least
};

struct ChosenDevice {
    std::string kind;
    std::vector<Device> devices;  // in the order asked for
};

// The devices that `--backend` ("auto" or a kind) and `--device` ask for. "auto" takes the first
// kind that has all of them: CUDA, ROCm, Metal, Vulkan, the processor.
// Errors: device_unavailable, naming what there is.
Result<ChosenDevice> choose_device(std::string_view backend,
                                   const std::vector<std::uint32_t>& indexes,
                                   const std::vector<Device>& available);

}  // namespace worker

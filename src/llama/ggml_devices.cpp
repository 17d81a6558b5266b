#include "llama/ggml_devices.h"

#include "worker/device/host_memory.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace llama {

namespace {

// Accelerators that only help the processor (BLAS and the like) are none to choose.
bool can_be_chosen(ggml_backend_dev_t device) {
    const auto type = ggml_backend_dev_type(device);
    return type == GGML_BACKEND_DEVICE_TYPE_CPU || type == GGML_BACKEND_DEVICE_TYPE_GPU ||
           type == GGML_BACKEND_DEVICE_TYPE_IGPU;
}

// Source: the names of ggml's backends, GGML_CUDA_NAME and its like in ggml's headers.
std::string kind_of(ggml_backend_dev_t device) {
    std::string name = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name == "mtl" ? "metal" : name;
}

}  // namespace

std::vector<GgmlDevice> ggml_devices() {
    std::vector<GgmlDevice> devices;
    for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t handle = ggml_backend_dev_get(i);
        if (!can_be_chosen(handle)) continue;
        ggml_backend_dev_props props;
        ggml_backend_dev_get_props(handle, &props);
        worker::Device facts;
        facts.kind = kind_of(handle);
        facts.index = static_cast<std::uint32_t>(
            std::count_if(devices.begin(), devices.end(),
                          [&](const GgmlDevice& d) { return d.facts.kind == facts.kind; }));
        facts.name = props.description;
        facts.memory_total_bytes = props.memory_total;
        facts.memory_free_bytes = props.memory_free;
        if (props.type == GGML_BACKEND_DEVICE_TYPE_CPU) {
            // ggml knows nothing of cgroups.
            const worker::HostMemory memory = worker::host_memory();
            facts.memory_total_bytes = memory.total_bytes;
            facts.memory_free_bytes = memory.free_bytes;
        }
        devices.push_back({handle, std::move(facts)});
    }
    return devices;
}

}  // namespace llama

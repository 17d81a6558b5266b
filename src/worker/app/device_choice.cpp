#include "worker/app/draft.h"

#include <algorithm>
#include <string_view>

namespace worker {
namespace {

struct Device {
    std::string backend;
    std::uint32_t index = 0;
};

// "1", "cuda", "cuda:1", "GPU-1"
std::optional<Device> read_device(std::string_view text) {
    static const ValueKind<std::uint32_t> index_kind = number<std::uint32_t>({.min = 0, .max = 63});
    static const ValueKind<std::string> backend_kind =
        one_of({"cpu", "gpu", "cuda", "metal", "rocm", "vulkan"});

    if (const auto index = index_kind.read(text)) return Device{.backend = {}, .index = *index};
    const std::size_t separator = text.find_first_of(":-");
    const auto backend = backend_kind.read(text.substr(0, separator));
    if (!backend) return {};
    if (separator == std::string_view::npos) return Device{.backend = *backend, .index = 0};
    const auto index = index_kind.read(text.substr(separator + 1));
    if (!index) return {};
    return Device{.backend = *backend, .index = *index};
}

std::optional<DeviceChoice> read_choice(std::string_view text) {
    DeviceChoice choice{.backend = {}, .indices = {}};
    for (const std::string_view part : split_list(text)) {
        const std::optional<Device> device = read_device(part);
        if (!device) return {};
        const auto& seen = choice.indices;
        if (std::find(seen.begin(), seen.end(), device->index) != seen.end()) return {};
        choice.indices.push_back(device->index);
        if (device->backend.empty()) continue;
        if (!choice.backend.empty() && choice.backend != device->backend) return {};
        choice.backend = device->backend;
    }
    return choice;
}

std::string write_choice(const DeviceChoice& choice) {
    std::vector<std::string> indices;
    for (const std::uint32_t index : choice.indices) indices.push_back(std::to_string(index));
    return joined(indices, ",");
}

}  // namespace

ValueKind<DeviceChoice> device_choice() {
    return {.expects =
                "device numbers such as 0 or 0,1, or a name such as cpu, cuda:0, GPU-0 or "
                "metal, each device once and all of one backend",
            .read = read_choice,
            .write = write_choice};
}

}  // namespace worker

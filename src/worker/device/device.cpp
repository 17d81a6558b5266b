#include "worker/device/device.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

namespace worker {
namespace {

constexpr std::array<std::string_view, 5> kinds_by_preference{"cuda", "rocm", "metal", "vulkan",
                                                              "cpu"};

// Nothing unless each index is there.
std::optional<ChosenDevice> find_all(std::string_view kind,
                                     const std::vector<std::uint32_t>& indexes,
                                     const std::vector<Device>& available) {
    ChosenDevice chosen{.kind = std::string(kind), .devices = {}};
    for (const std::uint32_t index : indexes) {
        const auto device =
            std::find_if(available.begin(), available.end(), [&](const Device& candidate) {
                return candidate.kind == kind && candidate.index == index;
            });
        if (device == available.end()) return {};
        chosen.devices.push_back(*device);
    }
    return chosen;
}

// "there is cpu:0 (AMD EPYC), cuda:0 (NVIDIA H100)"
std::string inventory(const std::vector<Device>& available) {
    if (available.empty()) return "there is none";
    std::vector<std::string> names;
    for (const Device& device : available)
        names.push_back(fmt::format("{}:{} ({})", device.kind, device.index, device.name));
    return fmt::format("there is {}", fmt::join(names, ", "));
}

}  // namespace

Result<ChosenDevice> choose_device(std::string_view backend,
                                   const std::vector<std::uint32_t>& indexes,
                                   const std::vector<Device>& available) {
    for (const std::string_view kind : kinds_by_preference) {
        if (backend != "auto" && backend != kind) continue;
        if (auto chosen = find_all(kind, indexes, available)) return *std::move(chosen);
    }
    return fail(ErrorCode::device_unavailable,
                fmt::format("--backend {} --device {} is not available in this build on this "
                            "machine; {}",
                            backend, fmt::join(indexes, ","), inventory(available)));
}

}  // namespace worker

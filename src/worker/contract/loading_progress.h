#pragma once

#include "worker/contract/json_object.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// One line of /v1/loading/progress. Source: wire contract, 3.
struct LoadingProgress {
    std::string stage = "loading_to_vram";
    std::uint32_t layers_loaded = 0;
    std::uint32_t layers_total = 0;
    std::uint64_t vram_mb = 0;
    std::uint32_t percent = 0;
    std::optional<std::uint64_t> eta_ms = {};  // once there is a rate to tell it from
};

JsonObject to_json(const LoadingProgress& progress);

// The last line before the end marker.
inline constexpr std::string_view loading_ready_frame = "data: {\"stage\":\"ready\"}\n\n";

}  // namespace worker

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace worker {

// CPU time that the process's cgroups allow, in CPUs; nothing without a limit. Reads /proc and
// /sys under `root`. Thread: any.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

// How many threads compute at their best: one for each CPU of the affinity mask, and no more than
// `quota` pays for; at least one.
std::uint32_t compute_threads(std::uint32_t cpus_allowed, std::optional<double> quota);

// The same for this process. Thread: any.
std::uint32_t compute_threads();

}  // namespace worker

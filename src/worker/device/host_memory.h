#pragma once

#include <cstdint>
#include <filesystem>

namespace worker {

// Main memory that this process may use: the machine's, or less where a cgroup limits it. Both 0
// where the system does not tell.
struct HostMemory {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes =
        0;  // without swapping; caches that the kernel can drop count as free
};

// Reads /proc and /sys under `root`. Thread: any.
HostMemory host_memory(const std::filesystem::path& root = "/");

// Main memory that this process holds now; 0 where the system does not tell. Thread: any.
std::uint64_t process_rss_bytes(const std::filesystem::path& root = "/");

}  // namespace worker

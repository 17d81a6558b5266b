#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

enum class CgroupVersion : std::uint8_t { v1, v2 };

// Where one controller's limits for this process are written.
struct Cgroup {
    CgroupVersion version;
    // The process's own group and its parents, innermost first. A folder may be missing: inside a
    // container the kernel names groups that only the host sees.
    std::vector<std::filesystem::path> folders;
};

// The group of this process under `controller` ("memory", "cpu"), where /proc and /sys stand under
// `root`. Source: cgroups(7), /proc/[pid]/cgroup.
Cgroup find_cgroup(const std::filesystem::path& root, std::string_view controller);

// The first bytes of a small kernel file; empty when it cannot be read.
std::string read_kernel_file(const std::filesystem::path& path);

// The number that `text` begins with, after blanks.
std::optional<std::uint64_t> leading_number(std::string_view text);

// The number after `key` at the beginning of a line: "MemTotal:   123 kB".
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key);

}  // namespace worker

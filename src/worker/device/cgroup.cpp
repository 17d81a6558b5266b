#include "worker/device/cgroup.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace worker {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kernel_file_bytes_max = 64u << 10;

// A line of /proc/self/cgroup, "4:cpu,cpuacct:/jobs/1". Version 2 has no controllers: "0::/jobs/1".
struct Membership {
    std::string controllers;
    std::string group;
};

std::vector<Membership> memberships(const fs::path& root) {
    std::vector<Membership> result;
    std::istringstream lines(read_kernel_file(root / "proc/self/cgroup"));
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        result.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
    }
    return result;
}

bool lists(const Membership& membership, std::string_view controller) {
    std::istringstream names(membership.controllers);
    for (std::string name; std::getline(names, name, ',');) {
        if (name == controller) return true;
    }
    return false;
}

// `group` and its parents under `mount`. Normalised, so that "/../x" does not leave the mount.
std::vector<fs::path> up_from(const fs::path& mount, const std::string& group) {
    std::vector<fs::path> folders;
    fs::path inner = fs::path("/" + group).lexically_normal().relative_path();
    while (!inner.empty()) {
        folders.push_back(mount / inner);
        inner = inner.parent_path();
    }
    folders.push_back(mount);
    return folders;
}

}  // namespace

Cgroup find_cgroup(const fs::path& root, std::string_view controller) {
    const fs::path mounts = root / "sys/fs/cgroup";
    const std::vector<Membership> all = memberships(root);
    for (const Membership& membership : all) {
        if (lists(membership, controller))
            return {CgroupVersion::v1, up_from(mounts / controller, membership.group)};
    }
    for (const Membership& membership : all) {
        if (membership.controllers.empty())
            return {CgroupVersion::v2, up_from(mounts, membership.group)};
    }
    return {CgroupVersion::v2, {}};
}

std::string read_kernel_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(kernel_file_bytes_max, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{}) return {};
    return number;
}

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
    std::size_t at = text.find(key);
    while (at != std::string_view::npos && at > 0 && text[at - 1] != '\n')
        at = text.find(key, at + 1);
    if (at == std::string_view::npos) return {};
    return leading_number(text.substr(at + key.size()));
}

}  // namespace worker

#include "worker/device/cpu_threads.h"

#include <algorithm>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

#include "worker/device/cgroup.h"

namespace worker {
namespace {

namespace fs = std::filesystem;

std::optional<double> ratio(std::optional<std::uint64_t> quota,
                            std::optional<std::uint64_t> period) {
    if (!quota || !period || *period == 0) return {};
    return static_cast<double>(*quota) / static_cast<double>(*period);
}

// No limit reads "max 100000", or -1 in version 1; neither is a number here.
// Source: kernel documentation, scheduler/sched-bwc.rst and cgroup-v2.rst ("CPU").
std::optional<double> quota_of(const fs::path& folder, CgroupVersion version) {
    if (version == CgroupVersion::v1) {
        return ratio(leading_number(read_kernel_file(folder / "cpu.cfs_quota_us")),
                     leading_number(read_kernel_file(folder / "cpu.cfs_period_us")));
    }
    const std::string text = read_kernel_file(folder / "cpu.max");
    const std::size_t second = std::min(text.find(' '), text.size());
    return ratio(leading_number(text), leading_number(std::string_view(text).substr(second)));
}

std::uint32_t cpus_in_affinity_mask() {
#ifdef __linux__
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0)
        return static_cast<std::uint32_t>(CPU_COUNT(&mask));
#endif
    return std::thread::hardware_concurrency();
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& root) {
    const Cgroup cgroup = find_cgroup(root, "cpu");
    std::optional<double> least;
    for (const fs::path& folder : cgroup.folders) {
        const std::optional<double> quota = quota_of(folder, cgroup.version);
        if (quota) least = std::min(*quota, least.value_or(*quota));
    }
    return least;
}

// Rounds down: a thread that the quota does not pay for is stopped in the middle of a step, and
// all others wait for it.
std::uint32_t compute_threads(std::uint32_t cpus_allowed, std::optional<double> quota) {
    const double paid = std::min<double>(quota.value_or(cpus_allowed), cpus_allowed);
    return std::max(1u, static_cast<std::uint32_t>(paid));
}

std::uint32_t compute_threads() {
    return compute_threads(cpus_in_affinity_mask(), cpu_quota());
}

}  // namespace worker

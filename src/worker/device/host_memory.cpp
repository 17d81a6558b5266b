#include "worker/device/host_memory.h"

#include "worker/device/cgroup.h"

#include <unistd.h>

#include <algorithm>

namespace worker {
namespace {

namespace fs = std::filesystem;

// Where the two versions of cgroups write the same facts.
// Source: kernel documentation, cgroup-v1/memory.rst (section 4) and cgroup-v2.rst ("Memory").
struct MemoryFiles {
    const char* limit;
    const char* usage;
    const char* reclaimable;  // key in memory.stat
};

constexpr MemoryFiles files_of(CgroupVersion version) {
    if (version == CgroupVersion::v1)
        return {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};
    return {"memory.max", "memory.current", "inactive_file "};
}

std::uint64_t minus(std::uint64_t from, std::uint64_t taken) {
    return from - std::min(from, taken);
}

// Lowers `memory` to what the group at `folder` allows. No limit reads "max", or in version 1 a
// number near 2^63.
void apply_limit(HostMemory& memory, const fs::path& folder, const MemoryFiles& files) {
    const auto limit = leading_number(read_kernel_file(folder / files.limit));
    if (!limit) return;
    const auto usage = leading_number(read_kernel_file(folder / files.usage)).value_or(0);
    const auto reclaimable =
        number_after(read_kernel_file(folder / "memory.stat"), files.reclaimable).value_or(0);
    memory.total_bytes = std::min(memory.total_bytes, *limit);
    memory.free_bytes = std::min(memory.free_bytes, minus(*limit, minus(usage, reclaimable)));
}

}  // namespace

HostMemory host_memory(const fs::path& root) {
    const std::string machine = read_kernel_file(root / "proc/meminfo");
    HostMemory memory{.total_bytes = number_after(machine, "MemTotal:").value_or(0) * 1024,
                      .free_bytes = number_after(machine, "MemAvailable:").value_or(0) * 1024};
    const Cgroup cgroup = find_cgroup(root, "memory");
    for (const fs::path& folder : cgroup.folders)
        apply_limit(memory, folder, files_of(cgroup.version));
    return memory;
}

// Source: proc(5), /proc/[pid]/statm: size and resident, in pages.
std::uint64_t process_rss_bytes(const fs::path& root) {
    const std::string pages = read_kernel_file(root / "proc/self/statm");
    const std::size_t second = std::min(pages.find(' '), pages.size());
    const auto resident = leading_number(std::string_view(pages).substr(second));
    return resident.value_or(0) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace worker

#include "worker/device/host_memory.h"

#include "worker/device/fake_root.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace worker {
namespace {

class HostMemoryTest : public testing::Test {
protected:
    HostMemoryTest() {
        root.write("proc/meminfo",
                   "MemTotal:       1000 kB\nMemFree:   1 kB\nMemAvailable:    600 kB\n");
    }

    void check(std::uint64_t total_bytes, std::uint64_t free_bytes) {
        const HostMemory memory = host_memory(root.path());
        EXPECT_EQ(memory.total_bytes, total_bytes);
        EXPECT_EQ(memory.free_bytes, free_bytes);
    }

    // A version 2 group with a limit.
    void limit_v2(const std::string& group, const std::string& max, const std::string& current,
                  const std::string& stat = "") {
        const std::string folder = "sys/fs/cgroup" + group + "/";
        root.write(folder + "memory.max", max);
        root.write(folder + "memory.current", current);
        root.write(folder + "memory.stat", stat);
    }

    FakeRoot root;
};

TEST_F(HostMemoryTest, is_the_machines_without_cgroups) {
    check(1'024'000, 614'400);
}

TEST_F(HostMemoryTest, is_the_machines_without_a_limit) {
    root.write("proc/self/cgroup", "0::/job\n");
    limit_v2("/job", "max\n", "500\n");
    check(1'024'000, 614'400);
}

TEST_F(HostMemoryTest, a_limit_leaves_what_is_not_used) {
    root.write("proc/self/cgroup", "0::/job\n");
    limit_v2("/job", "100000\n", "30000\n");
    check(100'000, 70'000);
}

TEST_F(HostMemoryTest, file_caches_count_as_free) {
    root.write("proc/self/cgroup", "0::/job\n");
    limit_v2("/job", "100000\n", "30000\n",
             "anon 5000\nactive_inactive_file 9\ninactive_file 20000\nactive_file 4000\n");
    check(100'000, 90'000);
}

TEST_F(HostMemoryTest, the_strictest_parent_counts) {
    root.write("proc/self/cgroup", "0::/a/b/c\n");
    limit_v2("/a/b/c", "300000\n", "10000\n");
    limit_v2("/a/b", "max\n", "10000\n");
    limit_v2("/a", "200000\n", "150000\n");
    check(200'000, 50'000);
}

TEST_F(HostMemoryTest, a_group_over_its_limit_has_nothing_free) {
    root.write("proc/self/cgroup", "0::/job\n");
    limit_v2("/job", "100000\n", "100001\n");
    check(100'000, 0);
}

TEST_F(HostMemoryTest, a_limit_above_the_machine_changes_nothing) {
    root.write("proc/self/cgroup", "0::/job\n");
    limit_v2("/job", "99999999\n", "0\n");
    check(1'024'000, 614'400);
}

TEST_F(HostMemoryTest, reads_version_1) {
    root.write("proc/self/cgroup", "5:devices:/x\n4:memory,hugetlb:/job\n0::/other\n");
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    root.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "100000\n");
    root.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "30000\n");
    root.write("sys/fs/cgroup/memory/job/memory.stat",
               "inactive_file 1\ntotal_inactive_file 10000\n");
    check(100'000, 80'000);
}

TEST_F(HostMemoryTest, a_group_that_only_the_host_sees_ends_at_the_mount) {
    root.write("proc/self/cgroup", "4:memory:/docker/0123\n");
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "100000\n");
    root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "30000\n");
    check(100'000, 70'000);
}

TEST_F(HostMemoryTest, a_group_outside_of_the_namespace_stays_under_the_mount) {
    root.write("proc/self/cgroup", "0::/../../job\n");
    limit_v2("/job", "100000\n", "0\n");
    check(100'000, 100'000);
}

TEST_F(HostMemoryTest, is_unknown_where_the_system_does_not_tell) {
    root.write("proc/meminfo", "");
    check(0, 0);
    root.write("proc/meminfo", "MemTotal: x\nMemAvailable:");
    root.write("proc/self/cgroup", "nonsense\n:\n::\n");
    check(0, 0);
}

TEST_F(HostMemoryTest, resident_memory_is_the_second_number) {
    root.write("proc/self/statm", "900 30 20 1 0 5 0\n");
    EXPECT_EQ(process_rss_bytes(root.path()),
              30 * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
    root.write("proc/self/statm", "900");
    EXPECT_EQ(process_rss_bytes(root.path()), 0);
}

}  // namespace
}  // namespace worker

#include "worker/device/cpu_threads.h"

#include "worker/device/fake_root.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using Cpus = std::optional<double>;

void check_v2(const std::string& own, const std::string& parent, Cpus expected) {
    const FakeRoot root;
    root.write("proc/self/cgroup", "0::/jobs/1\n");
    root.write("sys/fs/cgroup/jobs/1/cpu.max", own);
    root.write("sys/fs/cgroup/jobs/cpu.max", parent);
    EXPECT_EQ(cpu_quota(root.path()), expected) << own << parent;
}

TEST(CpuThreadsTest, the_strictest_quota_of_version_2_counts) {
    check_v2("max 100000\n", "max 100000\n", Cpus());
    check_v2("150000 100000\n", "max 100000\n", 1.5);
    check_v2("max 100000\n", "50000 100000\n", 0.5);
    check_v2("400000 100000\n", "300000 100000\n", 3.0);
    check_v2("100000 0\n", "100000\n", Cpus());
    check_v2("", "x y\n", Cpus());
}

void check_v1(const std::string& quota, const std::string& period, Cpus expected) {
    const FakeRoot root;
    root.write("proc/self/cgroup", "3:cpu,cpuacct:/job\n0::/\n");
    root.write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", quota);
    root.write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", period);
    EXPECT_EQ(cpu_quota(root.path()), expected) << quota << period;
}

TEST(CpuThreadsTest, reads_version_1) {
    check_v1("-1\n", "100000\n", Cpus());
    check_v1("250000\n", "100000\n", 2.5);
    check_v1("250000\n", "", Cpus());
}

TEST(CpuThreadsTest, no_cgroup_is_no_quota) {
    EXPECT_EQ(cpu_quota(FakeRoot().path()), Cpus());
}

void check_threads(std::uint32_t cpus_allowed, Cpus quota, std::uint32_t expected) {
    EXPECT_EQ(compute_threads(cpus_allowed, quota), expected);
}

TEST(CpuThreadsTest, threads_are_what_mask_and_quota_pay_for) {
    check_threads(8, Cpus(), 8);
    check_threads(8, 16.0, 8);
    check_threads(8, 3.0, 3);
    check_threads(8, 2.9, 2);
    check_threads(8, 0.5, 1);
    check_threads(0, Cpus(), 1);
    EXPECT_GE(compute_threads(), 1);
}

}  // namespace
}  // namespace worker

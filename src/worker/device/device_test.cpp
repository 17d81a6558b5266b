#include "worker/device/device.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using Indexes = std::vector<std::uint32_t>;

const Device processor{.index = 0, .name = "EPYC", .kind = "cpu"};
const Device cuda0{.index = 0, .name = "H100", .kind = "cuda"};
const Device cuda1{.index = 1, .name = "H100", .kind = "cuda"};
const Device vulkan0{.index = 0, .name = "H100", .kind = "vulkan"};
const std::vector<Device> no_gpu{processor};
const std::vector<Device> two_gpus{processor, vulkan0, cuda0, cuda1};

void check(const std::vector<Device>& available, std::string_view backend, const Indexes& indexes,
           const std::string& expected_kind) {
    const auto chosen = choose_device(backend, indexes, available);
    ASSERT_TRUE(chosen) << chosen.error().message;
    EXPECT_EQ(chosen->kind, expected_kind);
    Indexes found;
    for (const Device& device : chosen->devices) found.push_back(device.index);
    EXPECT_EQ(found, indexes);
}

void check_refused(const std::vector<Device>& available, std::string_view backend,
                   const Indexes& indexes, const std::string& expected) {
    const auto chosen = choose_device(backend, indexes, available);
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, ErrorCode::device_unavailable);
    EXPECT_EQ(chosen.error().message, expected);
}

TEST(DeviceTest, without_a_gpu_device_0_is_the_processor) {
    check(no_gpu, "auto", {0}, "cpu");
    check(no_gpu, "cpu", {0}, "cpu");
    check(two_gpus, "cpu", {0}, "cpu");
}

TEST(DeviceTest, auto_prefers_the_kind_that_has_all_devices) {
    check(two_gpus, "auto", {0}, "cuda");
    check(two_gpus, "auto", {1, 0}, "cuda");
    check({processor, vulkan0}, "auto", {0}, "vulkan");
}

TEST(DeviceTest, a_named_kind_is_taken_as_it_is) {
    check(two_gpus, "cuda", {1}, "cuda");
    check(two_gpus, "vulkan", {0}, "vulkan");
}

TEST(DeviceTest, what_is_not_there_is_refused_naming_what_is) {
    check_refused(no_gpu, "cuda", {0},
                  "--backend cuda --device 0 is not available in this build on this machine; "
                  "there is cpu:0 (EPYC)");
    check_refused(no_gpu, "cpu", {7},
                  "--backend cpu --device 7 is not available in this build on this machine; "
                  "there is cpu:0 (EPYC)");
    check_refused(no_gpu, "auto", {7},
                  "--backend auto --device 7 is not available in this build on this machine; "
                  "there is cpu:0 (EPYC)");
    check_refused({processor, cuda0}, "cuda", {0, 1},
                  "--backend cuda --device 0,1 is not available in this build on this machine; "
                  "there is cpu:0 (EPYC), cuda:0 (H100)");
    check_refused({}, "auto", {0},
                  "--backend auto --device 0 is not available in this build on this machine; "
                  "there is none");
}

}  // namespace
}  // namespace worker

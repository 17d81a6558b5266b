// A whole worker whose device has as much free memory as a test says.
#include "worker/app/memory_watch.h"

#include "tests/support/echo_worker.h"
#include "tests/support/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace worker {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::uint64_t floor_bytes = 1000;

class MemoryWatchTest : public testing::Test {
protected:
    void wait_until_health_is(const std::string& word) const {
        const std::string said = R"("status":")" + word + '"';
        while (worker_.get("/health").body.find(said) == std::string::npos)
            std::this_thread::yield();
    }

    std::atomic<std::uint64_t> free_bytes_ = floor_bytes;
    EchoWorker worker_{{.change = [](Config& config) { config.vram_floor_bytes = floor_bytes; },
                        .device_memory = [this] { return DeviceMemory{10'000, free_bytes_}; },
                        .memory_pace = {.interval = 1ms, .recovery = 5ms}}};
};

TEST_F(MemoryWatchTest, under_the_floor_nothing_new_is_taken_and_what_runs_goes_on) {
    worker_.start().wait_until_ready();
    worker_.step_gate.close();
    const auto running = worker_.ask("abc");
    worker_.wait_for_metric(R"(vllm:num_requests_running{model_name="echo"} 1)");

    free_bytes_ = floor_bytes - 1;
    wait_until_health_is("degraded");
    const HttpReply refused = worker_.ask("x")->read_reply();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.field("retry-after"), "5");
    EXPECT_THAT(refused.body, HasSubstr(R"({"code":"INSUFFICIENT_RESOURCES","message":)"
                                        R"("Insufficient resources: less device memory)"));
    worker_.wait_for_metric(R"(worker_requests_total{outcome="refused"} 1)");
    EXPECT_EQ(worker_.get("/readyz").body, "degraded");
    EXPECT_THAT(worker_.get("/ready").body,
                HasSubstr(R"("ready":false,"state":"busy","model_loaded":true,"error":{)"
                          R"("code":"INSUFFICIENT_RESOURCES")"));
    EXPECT_EQ(worker_.get("/livez").status, 200);
    EXPECT_EQ(worker_.get("/health").status, 200);

    worker_.step_gate.open();
    EXPECT_TRUE(running->read_reply().body.ends_with("data: [DONE]\n\n"));
    EXPECT_EQ(worker_.ask("x")->read_reply().status, 503);

    free_bytes_ = floor_bytes;
    wait_until_health_is("healthy");
    EXPECT_EQ(worker_.ask("x")->read_reply().status, 200);
}

TEST_F(MemoryWatchTest, each_change_is_narrated_once) {
    worker_.start().wait_until_ready();
    HttpClient client(worker_.port());
    client.send("GET /v1/narration HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_until("\r\n\r\n");
    for (const std::uint64_t free : {std::uint64_t{0}, floor_bytes}) {
        free_bytes_ = free;
        wait_until_health_is(free == 0 ? "degraded" : "healthy");
    }
    worker_.ask("x")->read_reply();
    const std::string said = client.read_until("inference_complete");
    const auto count = [&](const std::string& action) {
        std::size_t times = 0;
        for (auto at = said.find(action); at != std::string::npos; at = said.find(action, at + 1))
            ++times;
        return times;
    };
    EXPECT_EQ(count(R"("action":"memory_short")"), 1u) << said;
    EXPECT_EQ(count(R"("action":"memory_recovered")"), 1u) << said;
}

}  // namespace
}  // namespace worker

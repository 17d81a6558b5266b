// A whole worker whose engine echoes strings: what any modality gets from the neutral ring.
#include "worker/app/lifecycle.h"

#include "tests/support/echo_worker.h"
#include "tests/support/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace worker {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(LifecycleTest, while_loading_it_says_so_everywhere_and_takes_no_work) {
    EchoWorker worker;
    worker.load_gate.close();
    worker.start();
    while (worker.get("/v1/ready").body.find("progress_url") == std::string::npos)
        std::this_thread::yield();
    EXPECT_EQ(worker.get("/health").status, 503);
    EXPECT_THAT(worker.get("/health").body, HasSubstr(R"("status":"degraded","state":"loading")"));
    EXPECT_EQ(worker.get("/livez").status, 200);
    EXPECT_EQ(worker.get("/readyz").status, 503);
    EXPECT_EQ(worker.get("/").status, 503);
    EXPECT_EQ(worker.get("/metrics").status, 200);
    const HttpReply reply = worker.ask("a")->read_reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_THAT(reply.body, HasSubstr("WORKER_UNHEALTHY"));
    EXPECT_FALSE(reply.field("retry-after").empty());
}

TEST(LifecycleTest, load_progress_is_streamed_until_ready) {
    // A warm-up is a part of the load; a conversion is not.
    for (const auto& [stage, told] :
         {std::pair("loading_to_vram", "loading_to_vram"), std::pair("warmup", "loading_to_vram"),
          std::pair("converting", "converting")}) {
        EchoWorker worker({.loading_stage = stage});
        worker.load_gate.close();
        worker.start();
        HttpClient client(worker.port());
        client.send("GET /v1/loading/progress HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.read_until(std::string(R"({"stage":")") + told +
                          R"(","layers_loaded":1,"layers_total":4)");
        worker.load_gate.open();
        client.read_until("data: {\"stage\":\"ready\"}\n\n");
        client.read_until("data: [DONE]\n\n");
    }
}

TEST(LifecycleTest, a_job_is_streamed) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    const HttpReply reply = worker.ask("abc")->read_reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(reply.body, HasSubstr("data: a"));
    EXPECT_THAT(reply.body, HasSubstr(R"("tokens_out":3)"));
    EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
}

TEST(LifecycleTest, slots_are_told_with_what_their_jobs_are_called) {
    int steps = 0;
    EchoWorker worker;
    // The io thread hears of a start behind the first step: the second is held back.
    worker.engine().on_step = [&] {
        if (++steps == 2) worker.step_gate.pass();
    };
    worker.step_gate.close();
    worker.start().wait_until_ready();
    constexpr const char* idle = R"("state":"idle","is_processing":false,"tokens_in":0,)"
                                 R"("tokens_cached":0,"tokens_out":0,"cells":0})";
    EXPECT_EQ(worker.get("/v1/slots").body,
              std::string(R"([{"id":0,)") + idle + R"(,{"id":1,)" + idle + "]");
    const std::string id = "6f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b";
    const auto client = worker.ask("abc", "X-Correlation-ID: " + id + "\r\n");
    std::string slots;
    while (slots.find(id) == std::string::npos) slots = worker.get("/v1/slots").body;
    EXPECT_THAT(slots,
                HasSubstr(R"([{"id":0,"state":"decode","is_processing":true,"job_id":")" + id +
                          R"(","tokens_in":3,"tokens_cached":0,"tokens_out":1,)"
                          R"("cells":3,"started_at":")"));
    EXPECT_EQ(slots.find("abc"), std::string::npos);
    worker.step_gate.open();
    client->read_reply();
    EXPECT_EQ(worker.get("/v1/slots").body.find(id), std::string::npos);
}

TEST(LifecycleTest, comments_fill_a_silence_where_they_are_wanted) {
    EchoWorker worker({.keep_alive = 1ms});
    worker.start().wait_until_ready();
    int steps = 0;
    worker.engine().on_step = [&] {
        if (++steps == 2) worker.step_gate.pass();
    };
    worker.step_gate.close();
    const auto client = worker.ask("ab");
    client->read_until("data: a\n\n");
    client->read_until(": keep-alive\n\n");
    worker.step_gate.open();
    client->read_until("data: [DONE]\n\n");
}

TEST(LifecycleTest, a_job_that_fails_at_once_is_an_error_reply) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    const HttpReply reply = worker.ask("refused")->read_reply();
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, HasSubstr("INVALID_REQUEST"));
}

TEST(LifecycleTest, a_client_that_leaves_cancels_its_job) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    worker.step_gate.close();
    worker.ask("abc")->close();
    worker.wait_for_metric(R"(worker_requests_total{outcome="cancelled"} 1)");
    worker.step_gate.open();
    EXPECT_EQ(worker.ask("d")->read_reply().status, 200);
}

TEST(LifecycleTest, draining_lets_jobs_end_and_takes_no_others) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    worker.step_gate.close();
    const auto client = worker.ask("abc");
    while (worker.get("/v1/ready").body.find("busy") == std::string::npos)
        std::this_thread::yield();
    worker.shut_down();
    while (worker.get("/readyz").status != 503) std::this_thread::yield();
    EXPECT_THAT(worker.get("/health").body, HasSubstr(R"("state":"draining")"));
    EXPECT_EQ(worker.ask("x")->read_reply().status, 503);
    worker.step_gate.open();
    EXPECT_TRUE(client->read_reply().body.ends_with("data: [DONE]\n\n"));
    EXPECT_EQ(worker.exit_code(), 0);
}

TEST(LifecycleTest, a_load_that_fails_is_exit_code_1) {
    EchoWorker worker({.loads = fail(ErrorCode::model_corrupt, "cut short")});
    EXPECT_EQ(worker.start().exit_code(), 1);
}

TEST(LifecycleTest, an_engine_that_fails_three_times_is_unhealthy_and_then_the_end) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    for (int i = 0; i < 3; ++i) {
        worker.engine().next_step = EchoEngine::NextStep::fails;
        EXPECT_EQ(worker.ask("a")->read_reply().status, 500);
    }
    EXPECT_EQ(worker.get("/health").status, 503);
    EXPECT_EQ(worker.get("/livez").status, 503);
    EXPECT_EQ(worker.ask("a")->read_reply().status, 503);
    EXPECT_EQ(worker.exit_code(), 3);
}

}  // namespace
}  // namespace worker

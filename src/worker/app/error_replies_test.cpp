// Whatever the engine says is wrong, over a real socket. Source: wire contract, section 5.
#include "tests/support/echo_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace worker {
namespace {

struct Row {
    ErrorCode code;
    int status;
    const char* body;
};

TEST(ErrorRepliesTest, each_error_has_its_status_code_advice_and_prefix) {
    const Row rows[] = {
        {ErrorCode::cuda_error, 500,
         R"({"code":"CUDA_ERROR","message":"CUDA error: why","retriable":true})"},
        {ErrorCode::invalid_request, 400,
         R"({"code":"INVALID_REQUEST","message":"Invalid request: why","retriable":false})"},
        {ErrorCode::inference_timeout, 408,
         R"({"code":"INFERENCE_TIMEOUT","message":"Inference timeout: why","retriable":true})"},
        {ErrorCode::worker_unhealthy, 503,
         R"({"code":"WORKER_UNHEALTHY","message":"Worker unhealthy: why","retriable":false})"},
        {ErrorCode::internal, 500,
         R"({"code":"INTERNAL","message":"Internal error: why","retriable":true})"},
        {ErrorCode::insufficient_resources, 503,
         R"({"code":"INSUFFICIENT_RESOURCES","message":"Insufficient resources: why",)"
         R"("retriable":true})"},
        {ErrorCode::insufficient_vram, 503,
         R"({"code":"INSUFFICIENT_VRAM","message":"Insufficient VRAM: why","retriable":true})"},
    };
    EchoWorker worker;
    worker.start().wait_until_ready();
    for (const Row& row : rows) {
        worker.engine().refusal = {row.code, "why"};
        const HttpReply reply = worker.ask("refused")->read_reply();
        EXPECT_EQ(reply.status, row.status) << row.body;
        EXPECT_EQ(reply.body, row.body);
    }
}

TEST(ErrorRepliesTest, a_time_that_is_known_is_told) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    worker.engine().refusal = {ErrorCode::insufficient_vram, "why", std::chrono::seconds(7)};
    EXPECT_EQ(worker.ask("refused")->read_reply().field("retry-after"), "7");
}

}  // namespace
}  // namespace worker

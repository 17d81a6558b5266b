// The native route over real sockets, with a model that recites the alphabet.
#include "llm/api/native_fixture.h"
#include "tests/support/http_client.h"
#include "tests/support/toy_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace llm {
namespace {

using testing::HasSubstr;
using worker::HttpClient;
using worker::HttpReply;

class NativeRoutesTest : public testing::Test {
protected:
    void SetUp() override { worker_.wait_until_ready(); }

    HttpReply ask(const std::string& body, const std::string& fields = "") {
        HttpClient client(worker_.port());
        client.send(post(body, fields));
        return client.read_reply();
    }

    void check(const std::string& body, int status, const std::string& reply) {
        const HttpReply got = ask(body);
        EXPECT_EQ(got.status, status) << body;
        EXPECT_EQ(normalised(got.body), reply) << body;
    }

    // Waits until one request has ended like this, as /metrics tells.
    void wait_for_outcome(const std::string& outcome) {
        const std::string line = "worker_requests_total{outcome=\"" + outcome + "\"} 1";
        while (worker::http_get(worker_.port(), "/metrics").body.find(line) == std::string::npos)
            std::this_thread::yield();
    }

    ToyWorker worker_;
};

TEST_F(NativeRoutesTest, a_stream_is_started_pieces_metrics_end_and_done) {
    check(R"({"prompt":"abc","max_tokens":3,"temperature":0,"seed":9,"job_id":"job-1"})", 200,
          R"(data: {"type":"started","job_id":"job-1","model":"toy","started_at":"…","seed":9})"
          "\n\n"
          R"(data: {"type":"narration","actor":"llm-worker-rbee","action":"inference_start",)"
          R"("target":"job-1","human":"Starts to work on the job","correlation_id":"…",)"
          R"("job_id":"job-1"})"
          "\n\n"
          R"(data: {"type":"token","t":"def","i":0})"
          "\n\n"
          R"(data: {"type":"narration","actor":"llm-worker-rbee","action":"inference_complete",)"
          R"("target":"job-1","human":"Completes the job","correlation_id":"…",)"
          R"("job_id":"job-1"})"
          "\n\n"
          R"(data: {"type":"metrics","tokens_per_sec":…,"vram_bytes":0})"
          "\n\n"
          R"(data: {"type":"end","tokens_out":3,"decode_time_ms":…,"stop_reason":"MAX_TOKENS"})"
          "\n\n"
          "data: [DONE]\n\n");
}

TEST_F(NativeRoutesTest, a_whole_reply_is_one_object) {
    check(R"({"prompt":"abc","max_tokens":9,"temperature":0,"seed":9,"job_id":"job-1",)"
          R"("stream":false,"stop":["g"]})",
          200,
          R"({"job_id":"job-1","text":"def","tokens_out":4,"decode_time_ms":…,)"
          R"("stop_reason":"STOP_SEQUENCE","stop_sequence_matched":"g","seed":9})");
}

TEST_F(NativeRoutesTest, a_stream_has_the_fields_of_an_event_stream) {
    const HttpReply reply = ask(R"({"prompt":"abc","max_tokens":3,"stream":true})");
    EXPECT_EQ(reply.field("content-type"), "text/event-stream");
    EXPECT_EQ(reply.field("cache-control"), "no-cache");
    EXPECT_EQ(reply.field("x-accel-buffering"), "no");
}

TEST_F(NativeRoutesTest, every_violation_is_told) {
    check(R"({"prompt":"","max_tokens":0,"temperature":3})", 400,
          R"body({"errors":[{"field":"prompt","constraint":"length(1..=32768)",)body"
          R"body("message":"prompt must not be empty"},)body"
          R"body({"field":"max_tokens","constraint":"range(1..=2048)",)body"
          R"body("message":"max_tokens must be at least 1","value":"0"},)body"
          R"body({"field":"temperature","constraint":"range(0.0..=2.0)",)body"
          R"body("message":"temperature must be at most 2.0 (got 3)","value":"3"}]})body");
}

TEST_F(NativeRoutesTest, what_is_not_json_is_refused_with_its_place) {
    const HttpReply reply = ask("{\"prompt\":\n x}");
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, HasSubstr("INVALID_JSON"));
    EXPECT_THAT(reply.body, HasSubstr("line 2"));
}

TEST_F(NativeRoutesTest, a_prompt_that_fills_the_context_is_refused_with_both_counts) {
    check(R"({"prompt":")" + std::string(64, 'a') + R"(","max_tokens":1})", 400,
          R"({"code":"INVALID_REQUEST","message":"Invalid request: the prompt has 64 tokens and )"
          R"(the context holds 64, one of them for the reply: shorten the prompt",)"
          R"("retriable":false})");
}

TEST_F(NativeRoutesTest, a_long_body_is_prepared_on_another_thread_and_answered_alike) {
    const std::string padding(20'000, ' ');
    check("{" + padding +
              R"("prompt":"abc","max_tokens":3,"temperature":0,"seed":9,)"
              R"("job_id":"j","stream":false})",
          200,
          R"({"job_id":"j","text":"def","tokens_out":3,"decode_time_ms":…,)"
          R"("stop_reason":"MAX_TOKENS","seed":9})");
}

TEST_F(NativeRoutesTest, another_operation_than_infer_is_refused) {
    const HttpReply reply = ask(R"({"operation":"train","prompt":"abc","max_tokens":3})");
    EXPECT_EQ(reply.status, 400) << reply.body;
}

TEST_F(NativeRoutesTest, a_full_queue_is_told_with_slots_and_a_time) {
    worker_.gate().close();
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (int i = 0; i < 7; ++i) {  // Two slots and a queue of four: one too many.
        clients.push_back(std::make_unique<HttpClient>(worker_.port()));
        clients.back()->send(post(R"({"prompt":"abc","max_tokens":3,"stream":false})"));
    }
    wait_for_outcome("refused");
    worker_.gate().open();
    int refused = 0;
    for (const auto& client : clients) {
        const HttpReply reply = client->read_reply();
        if (reply.status == 200) continue;
        ++refused;
        EXPECT_EQ(reply.status, 503);
        EXPECT_THAT(reply.body, HasSubstr(R"({"error":{"code":"ALL_SLOTS_BUSY","message":)"));
        EXPECT_THAT(reply.body, HasSubstr(R"("slots_total":2)"));
        EXPECT_FALSE(reply.field("retry-after").empty());
    }
    EXPECT_EQ(refused, 1);
}

TEST_F(NativeRoutesTest, a_client_that_leaves_cancels_its_job) {
    worker_.gate().close();
    HttpClient client(worker_.port());
    client.send(post(R"({"prompt":"a","max_tokens":60,"stream":true})"));
    client.close();
    wait_for_outcome("cancelled");
    worker_.gate().open();
    EXPECT_EQ(ask(R"({"prompt":"abc","max_tokens":3,"stream":false})").status, 200);
}

TEST_F(NativeRoutesTest, status_routes_answer_while_the_model_computes) {
    worker_.gate().close();
    HttpClient client(worker_.port());
    client.send(post(R"({"prompt":"a","max_tokens":3,"stream":false})"));
    for (const char* path : {"/health", "/v1/health", "/livez", "/readyz", "/", "/v1/ready",
                             "/ready", "/info", "/metrics"})
        EXPECT_EQ(worker::http_get(worker_.port(), path).status, 200) << path;
    worker_.gate().open();
    EXPECT_EQ(client.read_reply().status, 200);
}

}  // namespace
}  // namespace llm

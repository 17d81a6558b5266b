// The native routes over real sockets, with a model whose vectors follow from the letters.
#include "embedding/api/native_routes.h"

#include "tests/support/http_client.h"
#include "tests/support/toy_embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace embedding {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;
using worker::HttpClient;
using worker::HttpReply;

// What differs between two runs made the same.
std::string normalised(std::string text) {
    const std::pair<const char*, const char*> varying[] = {
        {R"("started_at":"[^"]+")", R"("started_at":"…")"},
        {R"("tokens_per_sec":[0-9.e+]+)", R"("tokens_per_sec":…)"},
        {R"("correlation_id":"[^"]+")", R"("correlation_id":"…")"},
    };
    for (const auto& [pattern, replacement] : varying)
        text = std::regex_replace(text, std::regex(pattern), replacement);
    return text;
}

class NativeRoutesTest : public testing::Test {
protected:
    HttpReply call(const std::string& method, const std::string& path,
                   const std::string& fields = "", const std::string& body = "") {
        HttpClient client(worker_.port());
        client.send(request(method, path, fields, body));
        return client.read_reply();
    }
    static std::string request(const std::string& method, const std::string& path,
                               const std::string& fields, const std::string& body) {
        return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields +
               (method == "POST" ? "Content-Type: application/json\r\nContent-Length: " +
                                       std::to_string(body.size()) + "\r\n"
                                 : "") +
               "\r\n" + body;
    }
    static std::string inference(const std::string& body) {
        return request("POST", "/v1/inference", "", body);
    }
    HttpReply ask(const std::string& body, const std::string& fields = "",
                  const std::string& path = "/v1/inference") {
        return call("POST", path, fields, body);
    }
    HttpReply get(const std::string& path, const std::string& fields = "") {
        return call("GET", path, fields);
    }

    void check(const std::string& body, int status, const std::string& reply) {
        const HttpReply got = ask(body);
        EXPECT_EQ(got.status, status) << body;
        EXPECT_EQ(normalised(got.body), reply) << body;
    }

    void wait_for_state(const std::string& id, const std::string& state) {
        while (get("/v1/jobs/" + id).body.find(R"("state":")" + state) == std::string::npos)
            std::this_thread::yield();
    }
    void wait_for_outcome(const std::string& outcome) {
        const std::string line = "worker_requests_total{outcome=\"" + outcome + "\"} 1";
        while (get("/metrics").body.find(line) == std::string::npos) std::this_thread::yield();
    }

    ToyEmbeddingWorker worker_;
};

TEST_F(NativeRoutesTest, a_stream_is_started_vectors_metrics_end_and_done) {
    const std::string narration = R"(data: {"type":"narration","actor":"toy-embedder","action":")";
    const std::string rest = R"(,"correlation_id":"…","job_id":"job-1"})"
                             "\n\n";
    check(R"({"input":["ab","b"],"job_id":"job-1"})", 200,
          R"(data: {"type":"started","job_id":"job-1","model":"toy","started_at":"…","seed":0})"
          "\n\n" +
              narration +
              R"(inference_start","target":"job-1","human":"Starts to work on the job")" + rest +
              R"(data: {"type":"embedding","index":0,"embedding":[0,0,0.6,0.8]})"
              "\n\n"
              R"(data: {"type":"embedding","index":1,"embedding":[0,0,0.6,0.8]})"
              "\n\n" +
              narration + R"(inference_complete","target":"job-1","human":"Completes the job")" +
              rest +
              R"(data: {"type":"metrics","tokens_per_sec":…,"vram_bytes":0})"
              "\n\n"
              R"(data: {"type":"end","tokens_out":2,"decode_time_ms":0,"stop_reason":"EOS"})"
              "\n\n"
              "data: [DONE]\n\n");
}

TEST_F(NativeRoutesTest, a_whole_reply_is_one_object) {
    check(R"({"input":["a","b","cd"],"job_id":"j","stream":false})", 200,
          R"({"job_id":"j","data":[{"index":0,"embedding":[0,0.6,0.8,0]},)"
          R"({"index":1,"embedding":[0,0,0.6,0.8]},{"index":2,"embedding":[0,0,0.6,0.8]}],)"
          R"("tokens_in":10,"tokens_out":3,"decode_time_ms":0,"stop_reason":"EOS","seed":0})");
}

TEST_F(NativeRoutesTest, a_text_may_stand_alone) {
    check(R"({"input":"a","job_id":"j","stream":false})", 200,
          R"({"job_id":"j","data":[{"index":0,"embedding":[0,0.6,0.8,0]}],"tokens_in":3,)"
          R"("tokens_out":1,"decode_time_ms":0,"stop_reason":"EOS","seed":0})");
}

TEST_F(NativeRoutesTest, a_long_body_is_prepared_on_another_thread_and_answered_alike) {
    check("{" + std::string(20'000, ' ') + R"("input":"a","job_id":"j","stream":false})", 200,
          R"({"job_id":"j","data":[{"index":0,"embedding":[0,0.6,0.8,0]}],"tokens_in":3,)"
          R"("tokens_out":1,"decode_time_ms":0,"stop_reason":"EOS","seed":0})");
}

TEST_F(NativeRoutesTest, every_violation_is_told) {
    check(R"({"input":["a",""],"job_id":"","priority":11})", 400,
          R"body({"errors":[{"field":"job_id","constraint":"non_empty",)body"
          R"body("message":"job_id must not be empty"},)body"
          R"body({"field":"input","constraint":"length(1..=32768)",)body"
          R"body("message":"input 1 must not be empty"},)body"
          R"body({"field":"priority","constraint":"range(-10..=10)",)body"
          R"body("message":"priority must be at most 10 (got 11)","value":"11"}]})body");
    EXPECT_EQ(ask("{}").status, 422);
    EXPECT_THAT(ask("{").body, HasSubstr("INVALID_JSON"));
}

TEST_F(NativeRoutesTest, an_input_that_the_context_does_not_hold_is_named) {
    check(R"({"input":["a",")" + std::string(15, 'a') + R"("]})", 400,
          R"({"code":"INVALID_REQUEST","message":"Invalid request: input 1 has 17 tokens and the )"
          R"(context holds 16: shorten it, or send it in parts","retriable":false})");
    EXPECT_EQ(ask(R"({"stream":false,"input":")" + std::string(14, 'a') + "\"}").status, 200);
}

TEST_F(NativeRoutesTest, the_only_operation_is_to_embed) {
    EXPECT_THAT(ask(R"({"operation":"infer","input":"a"})").body,
                HasSubstr(R"(this worker's only operation is \"embed\")"));
    EXPECT_THAT(ask(R"({"operation":"embed","hive_id":"h","model":"m","input":"a"})").body,
                MatchesRegex(R"(\{"job_id":"job-[0-9a-f-]+","sse_url":"/v1/inference/.*)"));
}

TEST_F(NativeRoutesTest, a_job_is_read_later_and_resumed) {
    EXPECT_EQ(ask(R"({"input":["a","b","c"],"job_id":"j"})", "", "/v1/jobs").body,
              R"({"job_id":"j","sse_url":"/v1/jobs/j/stream"})");
    wait_for_state("j", "completed");
    EXPECT_EQ(get("/v1/jobs/j").body, R"({"job_id":"j","state":"completed","tokens_out":3})");
    // Nobody has read the vectors meanwhile: they are one event, and three frames.
    const std::string end =
        R"(data: {"type":"end","tokens_out":3,"decode_time_ms":0,"stop_reason":"EOS"})"
        "\n\ndata: [DONE]\n\n";
    const std::string vectors = R"(data: {"type":"embedding","index":0,"embedding":[0,0.6,0.8,0]})"
                                "\n\n"
                                R"(data: {"type":"embedding","index":1,"embedding":[0,0,0.6,0.8]})"
                                "\n\n";
    const std::string last = R"(data: {"type":"embedding","index":2,"embedding":[0.8,0,0,0.6]})"
                             "\n\n";
    const std::string plain = get("/v1/jobs/j/stream").body;
    EXPECT_THAT(plain, StartsWith(R"(data: {"type":"started","job_id":"j",)"));
    EXPECT_EQ(plain.substr(plain.find("\n\n") + 2), vectors + last + end);
    // Who has not seen the last of an event's frames gets all of it again.
    EXPECT_EQ(get("/v1/jobs/j/stream", "Last-Event-ID: 1\r\n").body,
              vectors + "id: 2\n" + last + "id: 4\n" + end);
    EXPECT_EQ(get("/v1/jobs/j/stream", "Last-Event-ID: 2\r\n").body, "id: 4\n" + end);
}

TEST_F(NativeRoutesTest, a_job_is_cancelled) {
    worker_.gate().close();
    ask(R"({"input":"a","job_id":"j"})", "", "/v1/jobs");
    EXPECT_EQ(call("DELETE", "/v1/jobs/j").body, R"({"job_id":"j","status":"cancelled"})");
    EXPECT_THAT(get("/v1/jobs/j/stream").body, HasSubstr("data: [CANCELLED]\n\n"));
    worker_.gate().open();
}

TEST_F(NativeRoutesTest, a_deadline_that_has_passed_is_refused) {
    EXPECT_EQ(ask(R"({"input":"a"})", "x-deadline: 1000\r\n").status, 504);
}

TEST_F(NativeRoutesTest, a_full_queue_is_told_with_slots_and_a_time) {
    worker_.gate().close();
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (int i = 0; i < 7; ++i) {  // Two slots and a queue of four: one too many.
        clients.push_back(std::make_unique<HttpClient>(worker_.port()));
        clients.back()->send(inference(R"({"input":"a","stream":false})"));
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
    client.send(inference(R"({"input":"a","stream":false})"));
    client.close();
    wait_for_outcome("cancelled");
    worker_.gate().open();
    EXPECT_EQ(ask(R"({"input":"a","stream":false})").status, 200);
}

TEST_F(NativeRoutesTest, a_worker_that_drains_ends_what_runs_and_takes_nothing_more) {
    worker_.gate().close();
    HttpClient running(worker_.port());
    running.send(inference(R"({"input":"a","stream":false})"));
    HttpClient late(worker_.port());  // A connection from before: no new ones are taken.
    late.send(request("GET", "/health", "", ""));
    late.read_reply();
    while (get("/metrics").body.find("vllm:num_requests_running{model_name=\"toy\"} 1") ==
           std::string::npos)
        std::this_thread::yield();
    worker_.shut_down();
    HttpReply reply;
    do {
        late.send(inference(R"({"input":"a","stream":false,"job_id":"x"})"));
        reply = late.read_reply();
    } while (reply.status == 200);
    EXPECT_EQ(reply.status, 503);
    EXPECT_THAT(reply.body, HasSubstr("WORKER_UNHEALTHY"));
    EXPECT_EQ(reply.field("connection"), "close");
    worker_.gate().open();
    EXPECT_EQ(running.read_reply().status, 200);
}

}  // namespace
}  // namespace embedding

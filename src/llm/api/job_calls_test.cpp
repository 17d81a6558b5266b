// Jobs over real sockets: which reply a POST gets, and what later calls make of a job.
// Source: wire contract, 4.2 and 4.3.
#include "llm/api/native_fixture.h"
#include "tests/support/http_client.h"
#include "tests/support/toy_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace llm {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using worker::HttpClient;
using worker::HttpReply;

const std::string events = "Accept: text/event-stream\r\n";

class JobCallsTest : public testing::Test {
protected:
    void SetUp() override { worker_.wait_until_ready(); }

    HttpReply ask(const std::string& body, const std::string& fields = "",
                  const std::string& path = "/v1/inference") {
        HttpClient client(worker_.port());
        client.send(post(body, fields, path));
        return client.read_reply();
    }

    static std::string head(const std::string& method, const std::string& path,
                            const std::string& fields) {
        return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
    }

    HttpReply call(const std::string& method, const std::string& path,
                   const std::string& fields = "") {
        HttpClient client(worker_.port());
        client.send(head(method, path, fields));
        return client.read_reply();
    }
    HttpReply get(const std::string& path, const std::string& fields = "") {
        return call("GET", path, fields);
    }

    // Makes a job that says "defg" after "abc".
    void make_job(const std::string& id) {
        const HttpReply reply = ask(
            R"({"prompt":"abc","max_tokens":4,"temperature":0,"seed":9,"job_id":")" + id + R"("})",
            "", "/v1/jobs");
        ASSERT_EQ(reply.status, 200) << reply.body;
        ASSERT_EQ(reply.body,
                  R"({"job_id":")" + id + R"(","sse_url":"/v1/jobs/)" + id + R"(/stream"})");
    }

    void wait_for_state(const std::string& id, const std::string& state) {
        const std::string wanted = R"("state":")" + state + R"(")";
        while (get("/v1/jobs/" + id).body.find(wanted) == std::string::npos)
            std::this_thread::yield();
    }

    ToyWorker worker_;
};

struct ReplyCase {
    const char* what;
    std::string path;
    std::string body;
    std::string fields;
    const char* kind;  // "job", "stream" or "whole"
};

TEST_F(JobCallsTest, the_first_wish_that_matches_decides_the_reply) {
    const std::string plain = R"({"prompt":"abc","max_tokens":2})";
    const std::string queens =
        R"({"operation":"infer","hive_id":"h","model":"m","prompt":"abc","max_tokens":2,)";
    const ReplyCase cases[] = {
        {"jobs, always", "/v1/jobs", R"({"prompt":"abc","max_tokens":2,"stream":true})", events,
         "job"},
        {"a queen's body", "/v1/inference", queens + R"("stream":true})", events, "job"},
        {"stream true", "/v1/inference", R"({"prompt":"abc","max_tokens":2,"stream":true})", "",
         "stream"},
        {"stream false", "/v1/inference", R"({"prompt":"abc","max_tokens":2,"stream":false})", "",
         "whole"},
        {"stream false beside hints", "/v1/inference",
         R"({"prompt":"abc","max_tokens":2,"stream":false,"job_id":"j"})", events, "whole"},
        {"a job_id", "/v1/inference", R"({"prompt":"abc","max_tokens":2,"job_id":"k"})", "",
         "stream"},
        {"Accept", "/v1/inference", plain, events, "stream"},
        {"Accept among others", "/v1/inference", plain,
         "Accept: application/json, text/event-stream\r\n", "stream"},
        {"no wish", "/v1/inference", plain, "", "job"},
        {"null is no wish", "/v1/inference",
         R"({"prompt":"abc","max_tokens":2,"job_id":null,"stream":null})", "", "job"},
    };
    for (const ReplyCase& one : cases) {
        const HttpReply reply = ask(one.body, one.fields, one.path);
        EXPECT_EQ(reply.status, 200) << one.what << reply.body;
        const std::string kind = reply.field("content-type") == "text/event-stream" ? "stream"
                                 : reply.body.starts_with(R"({"job_id":"job-)") &&
                                         reply.body.find("sse_url") != std::string::npos
                                     ? "job"
                                     : "whole";
        EXPECT_EQ(kind, one.kind) << one.what << ": " << reply.body;
    }
}

TEST_F(JobCallsTest, sse_url_is_the_path_of_the_route_that_made_the_job) {
    const std::string body = R"({"prompt":"abc","max_tokens":2})";
    EXPECT_THAT(
        ask(body).body,
        testing::MatchesRegex(
            R"(\{"job_id":"job-[0-9a-f-]+","sse_url":"/v1/inference/job-[0-9a-f-]+/stream"\})"));
    EXPECT_THAT(ask(body, "", "/v1/jobs").body, HasSubstr(R"("sse_url":"/v1/jobs/job-)"));
}

TEST_F(JobCallsTest, a_job_is_read_later_and_as_often_as_one_likes) {
    make_job("j");
    const std::string transcript =
        R"(data: {"type":"started","job_id":"j","model":"toy","started_at":"…","seed":9})"
        "\n\n"
        R"(data: {"type":"token","t":"defg","i":0})"
        "\n\n"
        R"(data: {"type":"end","tokens_out":4,"decode_time_ms":…,"stop_reason":"MAX_TOKENS"})"
        "\n\n"
        "data: [DONE]\n\n";
    for (const char* path : {"/v1/jobs/j/stream", "/v1/inference/j/stream"}) {
        const HttpReply reply = get(path);
        EXPECT_EQ(reply.field("content-type"), "text/event-stream");
        EXPECT_EQ(normalised(reply.body), transcript) << path;
    }
}

TEST_F(JobCallsTest, narration_and_metrics_are_shown_on_demand) {
    make_job("j");
    wait_for_state("j", "completed");
    EXPECT_THAT(get("/v1/jobs/j/stream").body, Not(HasSubstr("narration")));
    const std::string all = get("/v1/jobs/j/stream?events=all").body;
    EXPECT_THAT(all, HasSubstr(R"({"type":"narration")"));
    EXPECT_THAT(all, HasSubstr(R"({"type":"metrics")"));
}

TEST_F(JobCallsTest, a_lost_stream_is_resumed_behind_the_last_event_seen) {
    make_job("j");
    wait_for_state("j", "completed");
    const std::string all = get("/v1/jobs/j/stream?resume=1").body;
    EXPECT_THAT(all, StartsWith("id: 0\ndata: {\"type\":\"started\""));
    // Each place at which the stream may have broken: what follows is what had not been seen.
    for (std::size_t at = all.find("id: "); at != std::string::npos;
         at = all.find("id: ", at + 1)) {
        const std::string number = all.substr(at + 4, all.find('\n', at) - at - 4);
        const std::size_t seen = all.find("\n\n", at) + 2;
        EXPECT_EQ(get("/v1/jobs/j/stream", "Last-Event-ID: " + number + "\r\n").body,
                  all.substr(seen));
    }
}

TEST_F(JobCallsTest, a_place_that_no_event_has_is_refused) {
    make_job("j");
    for (const char* id : {"99", "x", "-1", "18446744073709551615", "1 2", ""}) {
        const HttpReply reply =
            get("/v1/jobs/j/stream", std::string("Last-Event-ID: ") + id + "\r\n");
        EXPECT_EQ(reply.status, 400) << id;
        EXPECT_THAT(reply.body, HasSubstr("INVALID_REQUEST"));
    }
}

TEST_F(JobCallsTest, a_job_has_one_reader_at_a_time) {
    worker_.gate().close();
    make_job("j");
    HttpClient first(worker_.port());
    first.send(head("GET", "/v1/jobs/j/stream", ""));
    first.read_until("\r\n\r\n");
    const HttpReply second = get("/v1/jobs/j/stream");
    EXPECT_EQ(second.status, 409);
    EXPECT_THAT(second.body, HasSubstr(R"("code":"CONFLICT")"));
    first.close();
    worker_.gate().open();
    wait_for_state("j", "completed");
    while (get("/v1/jobs/j/stream").status != 200) std::this_thread::yield();
}

TEST_F(JobCallsTest, an_active_id_is_not_given_twice) {
    worker_.gate().close();
    make_job("j");
    for (const char* path : {"/v1/jobs", "/v1/inference"})
        EXPECT_EQ(ask(R"({"prompt":"abc","max_tokens":2,"job_id":"j"})", "", path).status, 409);
    worker_.gate().open();
    wait_for_state("j", "completed");
    make_job("j");  // An id whose job has ended is free.
}

TEST_F(JobCallsTest, a_job_tells_its_state) {
    worker_.gate().close();
    for (const char* id : {"a", "b", "c", "d"}) make_job(id);
    EXPECT_EQ(get("/v1/jobs/d").body,
              R"({"job_id":"d","state":"queued","queue_position":3,"tokens_out":0})");
    EXPECT_EQ(call("DELETE", "/v1/jobs/c").body, R"({"job_id":"c","status":"cancelled"})");
    EXPECT_EQ(get("/v1/jobs/c").body,
              R"({"job_id":"c","state":"cancelled","tokens_out":0,"error":{"code":"CANCELLED",)"
              R"("message":"the job was cancelled"}})");
    EXPECT_THAT(get("/v1/jobs/d").body, HasSubstr(R"("queue_position":2)"));
    worker_.gate().open();
    wait_for_state("a", "completed");
    EXPECT_EQ(get("/v1/jobs/a").body, R"({"job_id":"a","state":"completed","tokens_out":4})");
    EXPECT_EQ(get("/v1/jobs/unknown").status, 404);
}

TEST_F(JobCallsTest, the_path_decides_the_marker_behind_a_cancelled_job) {
    const std::string error =
        R"(data: {"type":"error","code":"CANCELLED","message":"the job was cancelled",)"
        R"("retriable":false})"
        "\n\n";
    const std::pair<const char*, const char*> paths[] = {
        {"/v1/jobs/j/stream", "data: [CANCELLED]\n\n"},
        {"/v1/inference/j/stream", "data: [DONE]\n\n"}};
    worker_.gate().close();
    make_job("a");
    make_job("b");
    make_job("j");
    EXPECT_EQ(call("DELETE", "/v1/jobs/j").status, 200);
    for (const auto& [path, marker] : paths) EXPECT_EQ(get(path).body, error + marker) << path;
    worker_.gate().open();
}

TEST_F(JobCallsTest, each_form_of_cancelling_answers_in_its_own_way) {
    worker_.gate().close();
    make_job("j");
    make_job("k");
    EXPECT_EQ(call("DELETE", "/v1/jobs/j").status, 200);
    EXPECT_EQ(call("DELETE", "/v1/jobs/j").status, 404);
    EXPECT_EQ(call("DELETE", "/v1/jobs/unknown").status, 404);
    for (const char* id : {"k", "k", "unknown"}) {
        const HttpReply reply = call("DELETE", std::string("/v1/inference/") + id);
        EXPECT_EQ(reply.status, 204);
        EXPECT_EQ(reply.body, "");
    }
    EXPECT_THAT(get("/v1/jobs/k").body, HasSubstr("cancelled"));
    worker_.gate().open();
}

TEST_F(JobCallsTest, a_single_call_is_cancelled_by_its_id) {
    worker_.gate().close();
    HttpClient client(worker_.port());
    client.send(post(R"({"prompt":"a","max_tokens":60,"job_id":"j","stream":true})"));
    while (get("/v1/jobs/j").status != 200) std::this_thread::yield();
    EXPECT_EQ(get("/v1/jobs/j/stream").status, 409);
    EXPECT_EQ(call("DELETE", "/v1/inference/j").status, 204);
    const HttpReply reply = client.read_reply();
    EXPECT_THAT(reply.body, HasSubstr(R"("code":"CANCELLED")"));
    EXPECT_EQ(get("/v1/jobs/j").status, 404);  // Nobody can read it any more.
    worker_.gate().open();
}

TEST_F(JobCallsTest, a_reader_that_leaves_does_not_end_the_job) {
    worker_.gate().close();
    make_job("j");
    HttpClient client(worker_.port());
    client.send(head("GET", "/v1/jobs/j/stream", ""));
    client.read_until("\r\n\r\n");
    client.close();
    worker_.gate().open();
    wait_for_state("j", "completed");
}

}  // namespace
}  // namespace llm

// The wire contract row by row, over real sockets. Source: wire contract, sections 3, 4.1 and 6;
// section 5 is in worker/app/error_replies_test.cpp, section 1 in worker/app/config_test.cpp and
// tests/process/start_test.py.
#include "llm/api/native_fixture.h"
#include "tests/support/http_client.h"
#include "tests/support/toy_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace llm {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using worker::HttpClient;
using worker::HttpReply;

constexpr const char* uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const std::string json = "Content-Type: application/json\r\n";

struct Call {
    std::string method = "GET";
    std::string path = "/health";
    std::string fields = {};
    std::string body = {};
    std::string host = "localhost";
};

std::string to_wire(const Call& call) {
    const std::string length =
        call.method == "GET" ? "" : "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
    return call.method + " " + call.path + " HTTP/1.1\r\nHost: " + call.host + "\r\n" +
           call.fields + length + "\r\n" + call.body;
}

HttpReply ask(const ToyWorker& worker, const Call& call) {
    HttpClient client(worker.port());
    client.send(to_wire(call));
    return client.read_reply();
}

struct Row {
    const char* what;
    Call call;
    int status;
    const char* body;  // a part of it
};

void check(const ToyWorker& worker, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        const HttpReply reply = ask(worker, row.call);
        EXPECT_EQ(reply.status, row.status) << row.what << ": " << reply.body;
        EXPECT_THAT(reply.body, HasSubstr(row.body)) << row.what;
    }
}

void with_tokens(worker::Config& config) {
    config.api_tokens = {"first-token", "second-token"};
}

class ContractTest : public testing::Test {
protected:
    void SetUp() override { worker_.wait_until_ready(); }
    ToyWorker worker_;
};

class TokenContractTest : public testing::Test {
protected:
    void SetUp() override { worker_.wait_until_ready(); }
    ToyWorker worker_{with_tokens};
};

Call post_inference(const std::string& body, const std::string& fields = json) {
    return {.method = "POST", .path = "/v1/inference", .fields = fields, .body = body};
}

TEST_F(ContractTest, section_3_http_in_general) {
    const std::string good = R"({"prompt":"abc","max_tokens":1,"stream":false})";
    check(worker_,
          {
              {"unknown path", {.path = "/nowhere"}, 404, R"({"code":"NOT_FOUND",)"},
              {"wrong method", {.method = "POST", .path = "/health"}, 405, "METHOD_NOT_ALLOWED"},
              {"no Content-Type", post_inference(good, ""), 415, "UNSUPPORTED_MEDIA_TYPE"},
              {"wrong Content-Type", post_inference(good, "Content-Type: text/plain\r\n"), 415,
               "UNSUPPORTED_MEDIA_TYPE"},
              {"a charset is no other type",
               post_inference(good, "Content-Type: application/json; charset=utf-8\r\n"), 200,
               "stop_reason"},
              {"Content-Encoding", post_inference(good, json + "Content-Encoding: gzip\r\n"), 415,
               "UNSUPPORTED_MEDIA_TYPE"},
              {"identity is no encoding",
               post_inference(good, json + "Content-Encoding: identity\r\n"), 200, "stop_reason"},
              {"not JSON", post_inference("{\"prompt\":\n x}"), 400, "line 2"},
              {"wrong shape", post_inference("[1]"), 422, R"({"errors":[)"},
              {"wrong type", post_inference(R"({"prompt":1,"max_tokens":1})"), 422,
               "\"constraint\":\"type(string)\""},
              {"unknown fields are ignored",
               post_inference(R"({"prompt":"abc","max_tokens":1,"stream":false,"x":{}})"), 200,
               "stop_reason"},
              {"headers too large",
               {.fields = "X-Long: " + std::string(20'000, 'a') + "\r\n"},
               431,
               R"({"code":"HEADERS_TOO_LARGE",)"},
          });
    const HttpReply wrong_method = ask(worker_, {.method = "POST", .path = "/v1/jobs/j"});
    EXPECT_EQ(wrong_method.field("allow"), "DELETE, GET, HEAD");
    HttpClient client(worker_.port());
    client.send("POST /v1/inference HTTP/1.1\r\nHost: localhost\r\n" + json +
                "Content-Length: 999999999\r\n\r\n");
    const HttpReply too_large = client.read_reply();
    EXPECT_EQ(too_large.status, 413);
    EXPECT_THAT(too_large.body, HasSubstr(R"({"code":"BODY_TOO_LARGE",)"));
}

TEST_F(ContractTest, section_3_every_get_route_answers_head) {
    for (const char* path : {"/health", "/v1/health", "/livez", "/readyz", "/", "/ready",
                             "/v1/ready", "/info", "/metrics", "/heartbeat"}) {
        HttpClient client(worker_.port());
        client.send(to_wire({.method = "HEAD", .path = path}));
        const HttpReply head = client.read_reply_to_head();
        EXPECT_EQ(head.status, 200) << path;
        EXPECT_NE(head.field("content-length"), "") << path;
    }
}

TEST_F(ContractTest, section_3_what_the_worker_says_of_itself) {
    check(worker_,
          {
              {"health", {.path = "/health"}, 200, R"({"status":"healthy","state":"idle",)"},
              {"livez", {.path = "/livez"}, 200, "alive"},
              {"readyz", {.path = "/readyz"}, 200, "ready"},
              {"root", {.path = "/"}, 200, R"({"status":"healthy",)"},
              {"ready", {.path = "/v1/ready"}, 200, R"({"ready":true,"state":"idle",)"},
              {"info", {.path = "/info"}, 200, R"("implementation":"llm-worker-rbee")"},
              {"heartbeat", {.path = "/heartbeat"}, 200, R"({"peers":[])"},
              {"metrics", {.path = "/metrics"}, 200, "worker_uptime_seconds"},
              {"loading, once loaded",
               {.path = "/v1/loading/progress"},
               200,
               "data: {\"stage\":\"ready\"}\n\ndata: [DONE]\n\n"},
          });
}

TEST_F(TokenContractTest, section_3_which_routes_are_public) {
    for (const char* path : {"/health", "/v1/health", "/livez", "/readyz", "/", "/ready",
                             "/v1/ready", "/metrics", "/info"})
        EXPECT_EQ(ask(worker_, {.path = path}).status, 200) << path;
    for (const char* path : {"/heartbeat", "/v1/loading/progress", "/v1/narration", "/v1/jobs/j",
                             "/v1/jobs/j/stream", "/v1/inference/j/stream"})
        EXPECT_EQ(ask(worker_, {.path = path}).status, 401) << path;
}

TEST_F(TokenContractTest, section_3_the_order_of_refusals) {
    const std::string token = "Authorization: Bearer first-token\r\n";
    check(
        worker_,
        {
            {"the route before the token", {.path = "/nowhere"}, 404, "NOT_FOUND"},
            {"the token before the body", post_inference("{", json), 401, "MISSING_API_KEY"},
            {"the body before its fields", post_inference("{", json + token), 400, "INVALID_JSON"},
            {"its fields", post_inference("{}", json + token), 422, "required"},
        });
}

struct FieldRow {
    const char* field;
    const char* value;       // JSON
    const char* constraint;  // empty: accepted
    const char* message = "";
};

std::string body_with(const std::string& field, const std::string& value) {
    std::string body = R"({"stream":false)";
    if (field != "prompt") body += R"(,"prompt":"abc")";
    if (field != "max_tokens") body += R"(,"max_tokens":1)";
    return body + ",\"" + field + "\":" + value + "}";
}

TEST_F(ContractTest, section_4_1_each_field) {
    const FieldRow rows[] = {
        {"job_id", R"("a.b:c_-9")", ""},
        {"job_id", R"("")", "non_empty", "job_id must not be empty"},
        {"prompt", R"("")", "length(1..=32768)", "prompt must not be empty"},
        {"max_tokens", "2048", ""},
        {"max_tokens", "0", "range(1..=2048)", "max_tokens must be at least 1"},
        {"max_tokens", "2049", "range(1..=2048)", "max_tokens must be at most 2048 (got 2049)"},
        {"max_tokens", "1.5", "type(integer)"},
        {"max_tokens", "null", "required"},
        {"temperature", "0", ""},
        {"temperature", "2", ""},
        {"temperature", "-0.1", "range(0.0..=2.0)", "temperature must be at least 0.0 (got -0.1)"},
        {"temperature", "3", "range(0.0..=2.0)", "temperature must be at most 2.0 (got 3)"},
        {"temperature", R"("hot")", "type(number)"},
        {"temperature", "null", ""},
        {"top_p", "0", ""},
        {"top_p", "1", ""},
        {"top_p", "1.1", "range(0.0..=1.0)", "top_p must be at most 1.0 (got 1.1)"},
        {"top_k", "0", ""},
        {"top_k", "40", ""},
        {"min_p", "0.5", ""},
        {"min_p", "-1", "range(0.0..=1.0)", "min_p must be at least 0.0 (got -1)"},
        {"repetition_penalty", "0", ""},
        {"repetition_penalty", "2.5", "range(0.0..=2.0)",
         "repetition_penalty must be at most 2.0 (got 2.5)"},
        {"repeat_last_n", "0", ""},
        {"seed", "18446744073709551615", ""},
        {"seed", "null", ""},
        {"seed", R"("1")", "type(integer)"},
        {"stop", "[]", ""},
        {"stop", R"(["a","b","c","d"])", ""},
        {"stop", R"(["1","2","3","4","5"])", "max_count(4)",
         "stop must have at most 4 sequences (got 5)"},
        {"stop", R"(["a",""])", "non_empty", "stop sequence 1 must not be empty"},
        {"ignore_eos", "true", ""},
        {"ignore_eos", "1", "type(boolean)"},
        {"priority", "-10", ""},
        {"priority", "11", "range(-10..=10)"},
    };
    for (const FieldRow& row : rows) {
        const HttpReply reply = ask(worker_, post_inference(body_with(row.field, row.value)));
        const std::string what = std::string(row.field) + " " + row.value + ": " + reply.body;
        const std::string constraint = row.constraint;
        if (constraint.empty()) {
            EXPECT_EQ(reply.status, 200) << what;
            continue;
        }
        const bool shape = constraint == "required" || constraint.starts_with("type(");
        EXPECT_EQ(reply.status, shape ? 422 : 400) << what;
        EXPECT_THAT(reply.body, HasSubstr("\"constraint\":\"" + constraint + "\"")) << what;
        EXPECT_THAT(reply.body, HasSubstr(row.message)) << what;
    }
}

TEST_F(ContractTest, section_6_correlation_ids) {
    const std::string given = "01234567-89ab-4cde-8f01-23456789abcd";
    const Call calls[] = {{.path = "/health"},
                          {.path = "/nowhere"},
                          {.method = "POST", .path = "/health"},
                          post_inference("{"),
                          post_inference(R"({"prompt":"abc","max_tokens":1,"stream":true})")};
    for (Call call : calls) {
        for (const char* field : {"x-correlation-id", "x-request-id"}) {
            EXPECT_THAT(ask(worker_, call).field(field), MatchesRegex(uuid)) << call.path;
            Call named = call;
            named.fields += "X-Correlation-ID: " + given + "\r\n";
            EXPECT_EQ(ask(worker_, named).field(field), given) << call.path;
            Call misnamed = call;
            misnamed.fields += "X-Correlation-ID: mine\r\n";
            EXPECT_THAT(ask(worker_, misnamed).field(field), MatchesRegex(uuid)) << call.path;
        }
    }
    const std::string stream =
        ask(worker_, post_inference(R"({"prompt":"abc","max_tokens":1,"stream":true})",
                                    json + "X-Correlation-ID: " + given + "\r\n"))
            .body;
    EXPECT_THAT(stream, HasSubstr("\"correlation_id\":\"" + given + "\""));
}

std::string deadline_in(std::chrono::milliseconds time) {
    const auto at = std::chrono::system_clock::now().time_since_epoch() + time;
    return "x-deadline: " +
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(at).count()) +
           "\r\n";
}

TEST_F(ContractTest, section_6_deadlines) {
    const std::string body = R"({"prompt":"abc","max_tokens":1,"stream":false})";
    check(worker_, {
                       {"past", post_inference(body, json + "x-deadline: 1000\r\n"), 504,
                        R"({"code":"INFERENCE_TIMEOUT","message":"Request deadline exceeded",)"},
                       {"far", post_inference(body, json + deadline_in(std::chrono::hours(1))), 200,
                        "stop_reason"},
                       {"unparsable", post_inference(body, json + "x-deadline: soon\r\n"), 200,
                        "stop_reason"},
                       {"of a job",
                        {.method = "POST",
                         .path = "/v1/jobs",
                         .fields = json + "x-deadline: 1\r\n",
                         .body = body},
                        504,
                        "Request deadline exceeded"},
                   });
}

TEST_F(ContractTest, section_6_a_deadline_that_comes_in_mid_stream_ends_the_job) {
    worker_.gate().close();
    const HttpReply reply =
        ask(worker_, post_inference(R"({"prompt":"abc","max_tokens":60,"stream":true})",
                                    json + deadline_in(std::chrono::milliseconds(100))));
    EXPECT_EQ(reply.status, 504) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(R"({"code":"TIMEOUT",)"));
    worker_.gate().open();
}

TEST_F(TokenContractTest, section_6_authorization) {
    const auto bearer = [](const std::string& value) {
        return Call{.path = "/v1/jobs/j", .fields = "Authorization: " + value + "\r\n"};
    };
    check(
        worker_,
        {
            {"the first token", bearer("Bearer first-token"), 404, "NOT_FOUND"},
            {"the second", bearer("Bearer second-token"), 404, "NOT_FOUND"},
            {"blanks around it", bearer("Bearer   first-token  "), 404, "NOT_FOUND"},
            {"none", {.path = "/v1/jobs/j"}, 401, R"({"error":{"code":"MISSING_API_KEY",)"},
            {"wrong", bearer("Bearer first-tokem"), 401, R"({"error":{"code":"INVALID_API_KEY",)"},
            {"scheme in other case", bearer("bearer first-token"), 401, "INVALID_API_KEY"},
            {"another scheme", bearer("Basic Zmlyc3Q="), 401, "INVALID_API_KEY"},
            {"empty", bearer("Bearer "), 401, "MISSING_API_KEY"},
            {"too long", bearer("Bearer " + std::string(8192, 'a')), 401, "INVALID_API_KEY"},
            {"twice",
             {.path = "/v1/jobs/j",
              .fields = "Authorization: Bearer first-token\r\n"
                        "Authorization: Bearer first-token\r\n"},
             401,
             "INVALID_API_KEY"},
        });
    EXPECT_EQ(ask(worker_, bearer("Bearer no")).field("www-authenticate"), "Bearer");
}

TEST_F(TokenContractTest, section_4_3_a_job_belongs_to_the_token_that_made_it) {
    const std::string first = "Authorization: Bearer first-token\r\n";
    const std::string second = "Authorization: Bearer second-token\r\n";
    const Call made{.method = "POST",
                    .path = "/v1/jobs",
                    .fields = json + first,
                    .body = R"({"prompt":"abc","max_tokens":2,"job_id":"j"})"};
    ASSERT_EQ(ask(worker_, made).status, 200);
    for (const char* path : {"/v1/jobs/j", "/v1/jobs/j/stream", "/v1/inference/j/stream"})
        EXPECT_EQ(ask(worker_, {.path = path, .fields = second}).status, 404) << path;
    EXPECT_EQ(ask(worker_, {.method = "DELETE", .path = "/v1/jobs/j", .fields = second}).status,
              404);
    EXPECT_EQ(
        ask(worker_, {.method = "DELETE", .path = "/v1/inference/j", .fields = second}).status,
        204);
    EXPECT_THAT(ask(worker_, {.path = "/v1/jobs/j/stream", .fields = first}).body,
                HasSubstr("\"stop_reason\":\"MAX_TOKENS\""));
}

TEST_F(ContractTest, section_6_without_a_token_the_host_must_be_ours) {
    for (const char* host : {"localhost", "127.0.0.1", "[::1]:9", "LOCALHOST:8080"})
        EXPECT_EQ(ask(worker_, {.host = host}).status, 200) << host;
    for (const char* host : {"example.org", "localhost.example.org", "10.0.0.1"}) {
        const HttpReply reply = ask(worker_, {.host = host});
        EXPECT_EQ(reply.status, 403) << host;
        EXPECT_THAT(reply.body, HasSubstr(R"({"code":"FORBIDDEN",)"));
    }
}

TEST(LoopbackContractTest, section_6_who_counts_as_loopback) {
    ToyWorker worker([](worker::Config& config) {
        with_tokens(config);
        config.trust_loopback = true;
    });
    worker.wait_until_ready();
    const Call plain{.path = "/v1/jobs/j"};
    EXPECT_EQ(ask(worker, plain).status, 404);
    for (const char* field :
         {"Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https",
          "Via: 1.1 proxy", "Origin: https://example.org", "Sec-Fetch-Site: cross-site"}) {
        Call through = plain;
        through.fields = std::string(field) + "\r\n";
        EXPECT_EQ(ask(worker, through).status, 401) << field;
    }
}

}  // namespace
}  // namespace llm

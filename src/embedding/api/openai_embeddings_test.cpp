// OpenAI's embeddings over real sockets, with a model whose vectors follow from the letters.
#include "embedding/api/openai_embeddings.h"

#include "tests/support/http_client.h"
#include "tests/support/toy_embedder.h"
#include "worker/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace embedding {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using worker::HttpClient;
using worker::HttpReply;

const std::string embeddings = "/v1/embeddings";

class OpenAiEmbeddingsTest : public testing::Test {
protected:
    static std::string request(const std::string& path, const std::string& body,
                               const std::string& fields = "") {
        return "POST " + path +
               " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    HttpReply post(const std::string& path, const std::string& body,
                   const std::string& fields = "") {
        HttpClient client(worker_.port());
        client.send(request(path, body, fields));
        return client.read_reply();
    }
    static std::string body(const std::string& input, const std::string& more = "") {
        return R"({"model":"toy","input":)" + input + more + "}";
    }
    HttpReply embed(const std::string& input, const std::string& more = "",
                    const std::string& fields = "") {
        return post(embeddings, body(input, more), fields);
    }
    static json::value read(const std::string& text) { return worker::parse_json(text).value(); }

    // `expected`: "param: message".
    void refuses(const std::string& input, const std::string& expected) {
        const HttpReply reply = embed(input);
        EXPECT_EQ(reply.status, 400) << reply.body;
        const json::value error = read(reply.body).at("error");
        EXPECT_EQ(std::string(error.at("param").as_string()) + ": " +
                      std::string(error.at("message").as_string()),
                  expected);
    }

    void wait_for_outcome(const std::string& outcome) {
        const std::string line = "worker_requests_total{outcome=\"" + outcome + "\"} 1";
        while (worker::http_get(worker_.port(), "/metrics").body.find(line) == std::string::npos)
            std::this_thread::yield();
    }

    ToyEmbeddingWorker worker_;
};

TEST_F(OpenAiEmbeddingsTest, a_reply_is_a_list_in_the_order_of_the_inputs) {
    const HttpReply reply = embed(R"(["a","b","cde"])");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.field("content-type"), "application/json");
    EXPECT_EQ(reply.body, R"({"object":"list","data":[)"
                          R"({"object":"embedding","index":0,"embedding":[0,0.6,0.8,0]},)"
                          R"({"object":"embedding","index":1,"embedding":[0,0,0.6,0.8]},)"
                          R"({"object":"embedding","index":2,"embedding":[0,0,0.6,0.8]}],)"
                          R"("model":"toy","usage":{"prompt_tokens":11,"total_tokens":11}})");
}

TEST_F(OpenAiEmbeddingsTest, a_text_or_its_tokens_may_stand_alone) {
    const std::string vector =
        R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[0,0.6,0.8,0]}],)"
        R"("model":"toy","usage":{"prompt_tokens":3,"total_tokens":3}})";
    EXPECT_EQ(embed(R"("a")").body, vector);
    EXPECT_EQ(embed("[29,0,28]").body, vector);
    EXPECT_EQ(embed("[[29,0,28]]").body, vector);
}

TEST_F(OpenAiEmbeddingsTest, the_same_under_openai_v1) {
    EXPECT_EQ(post("/openai" + embeddings, body(R"("a")")).body, embed(R"("a")").body);
}

TEST_F(OpenAiEmbeddingsTest, vectors_come_as_base64_too) {
    EXPECT_EQ(embed(R"("a")", R"(,"encoding_format":"base64")").body,
              R"({"object":"list","data":[)"
              R"({"object":"embedding","index":0,"embedding":"AAAAAJqZGT/NzEw/AAAAAA=="}],)"
              R"("model":"toy","usage":{"prompt_tokens":3,"total_tokens":3}})");
}

TEST_F(OpenAiEmbeddingsTest, fewer_dimensions_are_the_first_at_length_one) {
    const auto vector = [&](const std::string& more) {
        const std::string text = embed(R"("a")", more).body;
        return text.substr(text.find("\"embedding\":") + 12,
                           text.find("}]") - text.find("\"embedding\":") - 12);
    };
    EXPECT_EQ(vector(R"(,"dimensions":4)"), "[0,0.6,0.8,0]");
    EXPECT_EQ(vector(R"(,"dimensions":3)"), "[0,0.6,0.8]");
    EXPECT_EQ(vector(R"(,"dimensions":2)"), "[0,1]");
    EXPECT_EQ(vector(R"(,"dimensions":2,"encoding_format":"base64")"), R"("AAAAAAAAgD8=")");
    EXPECT_EQ(embed(R"("a")", R"(,"dimensions":5)").status, 400);
}

TEST_F(OpenAiEmbeddingsTest, many_inputs_in_a_long_body_are_answered_in_their_order) {
    std::string input = "[\"a\"";
    for (int i = 1; i < 2048; ++i)
        input += std::string(",\"") + static_cast<char>('a' + i % 4) + '"';
    const HttpReply reply = embed(input + "]");
    ASSERT_EQ(reply.status, 200) << reply.body;
    const json::value list = read(reply.body);
    ASSERT_EQ(list.at("data").as_array().size(), 2048u);
    for (std::size_t i = 0; i < 2048; ++i) {
        const json::value& each = list.at("data").at(i);
        ASSERT_EQ(each.at("index").to_number<std::size_t>(), i);
        ASSERT_EQ(each.at("embedding").at((i + 1) % 4).to_number<float>(), 0.6f) << i;
    }
    EXPECT_EQ(list.at("usage").at("total_tokens"), 3 * 2048);
}

TEST_F(OpenAiEmbeddingsTest, what_is_ignored_is_told_or_refused) {
    EXPECT_THAT(embed(R"("a")", R"(,"user":"me","x":1)").body,
                HasSubstr(R"("total_tokens":3},"x_ignored":[)"
                          R"({"param":"user","reason":"callers are told apart by their tokens"},)"
                          R"({"param":"x","reason":"this worker does not know it"}]})"));
    const HttpReply strict = embed(R"("a")", R"(,"user":"me")", "x-strict-parameters: true\r\n");
    EXPECT_EQ(strict.status, 400);
    EXPECT_EQ(read(strict.body).at_pointer("/error/param"), "user");
}

TEST_F(OpenAiEmbeddingsTest, inputs_that_cannot_be_computed_are_named) {
    refuses(R"(["a",""])", "input[1]: input[1] must not be empty");
    refuses("[30]",
            "input: token 0 must be at most 29 (got 30); accepted: a list: tokens of 0..29");
    const std::string letters(15, 'a');
    refuses(R"(["a",")" + letters + "\"]",
            "input[1]: this model's context is 16 tokens, and input[1] has 17: shorten it, or send "
            "it in parts");
    const HttpReply reply = embed("[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]");
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(read(reply.body).at_pointer("/error/code"), "context_length_exceeded");
    EXPECT_EQ(read(reply.body).at_pointer("/error/param"), "input");
    EXPECT_EQ(embed("[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]").status, 200);
}

TEST_F(OpenAiEmbeddingsTest, another_model_is_not_found) {
    for (const std::string name : {"toy", "toy.gguf", "default"})
        EXPECT_EQ(post(embeddings, R"({"input":"a","model":")" + name + "\"}").status, 200);
    const HttpReply reply = post(embeddings, R"({"input":"a","model":"text-embedding-3-small"})");
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(read(reply.body).at_pointer("/error/code"), "model_not_found");
}

TEST_F(OpenAiEmbeddingsTest, errors_have_openais_shape) {
    const HttpReply reply = post(embeddings, "{");
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body,
                HasSubstr(R"("type":"invalid_request_error","param":null,"code":null)"));
    EXPECT_EQ(reply.field("x-should-retry"), "false");
    const HttpReply method = worker::http_get(worker_.port(), embeddings);
    EXPECT_EQ(method.status, 405);
    EXPECT_THAT(method.body, HasSubstr(R"({"error":{"message":)"));
}

std::string deadline_in(std::chrono::milliseconds time) {
    const auto at = std::chrono::system_clock::now().time_since_epoch() + time;
    return "x-deadline: " +
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(at).count()) +
           "\r\n";
}

TEST_F(OpenAiEmbeddingsTest, a_deadline_ends_the_job) {
    EXPECT_EQ(embed(R"("a")", "", "x-deadline: 1000\r\n").status, 504);
    worker_.gate().close();
    const HttpReply reply = embed(R"("a")", "", deadline_in(std::chrono::milliseconds(100)));
    worker_.gate().open();
    EXPECT_EQ(reply.status, 504) << reply.body;
    EXPECT_EQ(read(reply.body).at_pointer("/error/code"), "timeout");
}

TEST_F(OpenAiEmbeddingsTest, a_full_queue_is_an_overload) {
    worker_.gate().close();
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (int i = 0; i < 7; ++i) {  // Two slots and a queue of four: one too many.
        clients.push_back(std::make_unique<HttpClient>(worker_.port()));
        clients.back()->send(request(embeddings, body(R"("a")")));
    }
    wait_for_outcome("refused");
    worker_.gate().open();
    int refused = 0;
    for (const auto& client : clients) {
        const HttpReply reply = client->read_reply();
        if (reply.status == 200) continue;
        ++refused;
        EXPECT_EQ(reply.status, 503);
        EXPECT_EQ(read(reply.body).at_pointer("/error/code"), "server_overloaded");
        EXPECT_EQ(reply.field("x-should-retry"), "true");
        EXPECT_FALSE(reply.field("retry-after").empty());
    }
    EXPECT_EQ(refused, 1);
}

TEST_F(OpenAiEmbeddingsTest, a_client_that_leaves_cancels_its_job) {
    worker_.gate().close();
    HttpClient client(worker_.port());
    client.send(request(embeddings, body(R"("a")")));
    client.close();
    wait_for_outcome("cancelled");
    worker_.gate().open();
    EXPECT_EQ(embed(R"("a")").status, 200);
}

TEST(NoEmbeddingsTest, a_model_without_pooling_refuses) {
    ToyEmbeddingWorker worker(0);
    HttpClient client(worker.port());
    const std::string body = R"({"model":"toy","input":"a"})";
    client.send(
        "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
    const HttpReply reply = client.read_reply();
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, HasSubstr("serve one that has pooling"));
}

TEST_F(OpenAiEmbeddingsTest, tells_the_model) {
    const std::string list = worker::http_get(worker_.port(), "/v1/models").body;
    EXPECT_THAT(list, HasSubstr(R"("owned_by":"embedding-worker-rbee","meta":{)"));
    EXPECT_EQ(read(list).at_pointer("/data/0/meta/dimensions"), 4);
    EXPECT_EQ(read(list).at_pointer("/data/0/meta/context_length"), 16);
    EXPECT_EQ(worker::http_get(worker_.port(), "/v1/models/other").status, 404);
}

TEST_F(OpenAiEmbeddingsTest, the_tokenizer_can_be_asked) {
    EXPECT_EQ(post("/tokenize", R"({"content":"ab","add_special":true})").body,
              R"({"tokens":[29,0,1,28]})");
    EXPECT_EQ(post("/detokenize", R"({"tokens":[0,1]})").body, R"({"content":"ab"})");
}

}  // namespace
}  // namespace embedding

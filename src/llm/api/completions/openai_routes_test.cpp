#include "llm/api/completions/openai_routes.h"

#include "tests/support/toy_worker.h"
#include "worker/base/json.h"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <regex>
#include <string>
#include <vector>

namespace llm {
namespace {

namespace json = boost::json;

const std::string chats = "/v1/chat/completions";

class OpenAiRoutesTest : public testing::Test {
protected:
    OpenAiRoutesTest() { worker_.wait_until_ready(); }

    worker::HttpReply post(const std::string& path, const std::string& body,
                           const std::string& fields = "") {
        worker::HttpClient client(worker_.port());
        client.send("POST " + path +
                    " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields +
                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        return client.read_reply();
    }
    json::value read(const std::string& body) { return worker::parse_json(body).value(); }

    // A chat of one message with `more` in its body.
    static std::string chat(const std::string& text, const std::string& more = "") {
        return R"({"model":"toy","temperature":0,"max_tokens":3,)"
               R"("messages":[{"role":"user","content":")" +
               text + "\"}]" + more + "}";
    }
    // The texts of all chunks of a stream, by their choices.
    static std::vector<std::string> streamed(const std::string& body, const std::string& member) {
        std::vector<std::string> texts(8);
        static const std::regex frame(R"(data: (\{.*\})\n)");
        for (std::sregex_iterator at(body.begin(), body.end(), frame), end; at != end; ++at) {
            const json::value chunk = worker::parse_json((*at)[1].str()).value();
            for (const json::value& choice : chunk.at("choices").get_array()) {
                const json::object& holder = choice.get_object().contains("delta")
                                                 ? choice.at("delta").get_object()
                                                 : choice.get_object();
                if (const auto* text = holder.if_contains(member))
                    texts[choice.at("index").to_number<std::size_t>()] += text->get_string();
            }
        }
        return texts;
    }

    void check_refused(const std::string& path, const std::string& body, int status,
                       const std::string& words) {
        const auto reply = post(path, body);
        EXPECT_EQ(reply.status, status) << reply.body;
        EXPECT_NE(reply.body.find(words), std::string::npos) << reply.body;
        EXPECT_NE(reply.body.find(R"({"error":{"message":)"), std::string::npos) << reply.body;
    }

    ToyWorker worker_;
};

TEST_F(OpenAiRoutesTest, a_chat_is_answered_by_one_object) {
    const auto reply = post(chats, chat("abc"));
    ASSERT_EQ(reply.status, 200) << reply.body;
    const json::value body = read(reply.body);
    EXPECT_EQ(body.at("object"), "chat.completion");
    EXPECT_EQ(body.at("system_fingerprint"), "fp-1.2.3-toy-0123456789ab");
    EXPECT_EQ(body.at_pointer("/choices/0/message/content"), "def");
    EXPECT_EQ(body.at_pointer("/choices/0/finish_reason"), "length");
    EXPECT_EQ(body.at_pointer("/usage/prompt_tokens"), 3);
    EXPECT_EQ(body.at_pointer("/usage/completion_tokens"), 3);
}

TEST_F(OpenAiRoutesTest, the_same_under_openai_v1) {
    EXPECT_EQ(post("/openai" + chats, chat("abc")).status, 200);
    EXPECT_EQ(worker::http_get(worker_.port(), "/openai/v1/models").status, 200);
}

TEST_F(OpenAiRoutesTest, a_chat_is_streamed) {
    const auto reply = post(chats, chat("abc", R"(,"stream":true)"));
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.field("content-type"), "text/event-stream");
    EXPECT_EQ(streamed(reply.body, "content")[0], "def");
    EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
}

TEST_F(OpenAiRoutesTest, n_replies_go_on_from_one_prompt) {
    const auto reply = post(chats, chat("abc", R"(,"n":2)"));
    ASSERT_EQ(reply.status, 200) << reply.body;
    const json::value body = read(reply.body);
    EXPECT_EQ(body.at_pointer("/choices/0/message/content"), "def");
    EXPECT_EQ(body.at_pointer("/choices/1/message/content"), "def");
    EXPECT_EQ(body.at_pointer("/usage/prompt_tokens"), 3);
    EXPECT_EQ(body.at_pointer("/usage/completion_tokens"), 6);
    EXPECT_EQ(streamed(post(chats, chat("abc", R"(,"n":2,"stream":true)")).body, "content")[1],
              "def");
}

TEST_F(OpenAiRoutesTest, several_prompts_are_completed_in_one_reply) {
    const auto reply =
        post("/v1/completions",
             R"({"model":"toy","temperature":0,"max_tokens":2,"prompt":["ab","x"],"echo":true})");
    ASSERT_EQ(reply.status, 200) << reply.body;
    const json::value body = read(reply.body);
    EXPECT_EQ(body.at_pointer("/choices/0/text"), "abcd");
    EXPECT_EQ(body.at_pointer("/choices/1/text"), "xyz");
    EXPECT_EQ(body.at_pointer("/usage/prompt_tokens"), 3);
}

TEST_F(OpenAiRoutesTest, more_prompts_than_the_worker_holds_are_no_matter_of_time) {
    // Two slots and a queue of four.
    check_refused("/v1/completions", R"({"model":"toy","prompt":["a","a","a","a","a","a","a"]})",
                  400, R"("param":"prompt")");
    EXPECT_EQ(
        post("/v1/completions", R"({"model":"toy","prompt":["a","a","a","a","a","a"]})").status,
        200);
}

TEST_F(OpenAiRoutesTest, a_prompt_of_one_token_is_echoed_too) {
    const auto reply = post("/v1/completions", R"({"model":"toy","temperature":0,"max_tokens":1,)"
                                               R"("prompt":"a","logprobs":0,"echo":true})");
    EXPECT_EQ(json::serialize(read(reply.body).at_pointer("/choices/0/logprobs/tokens")),
              R"(["a","b"])");
}

TEST_F(OpenAiRoutesTest, tokens_are_a_prompt_too) {
    const auto reply =
        post("/v1/completions",
             R"({"model":"toy","temperature":0,"max_tokens":2,"prompt":[0,1],"stream":true})");
    EXPECT_EQ(streamed(reply.body, "text")[0], "cd");
}

TEST_F(OpenAiRoutesTest, a_stop_string_is_a_stop) {
    const auto reply = post(chats, chat("abc", R"(,"stop":"e")"));
    EXPECT_EQ(read(reply.body).at_pointer("/choices/0/message/content"), "d");
    EXPECT_EQ(read(reply.body).at_pointer("/choices/0/finish_reason"), "stop");
}

TEST_F(OpenAiRoutesTest, logprobs_have_a_shape_for_each_route) {
    const json::value chat_body =
        read(post(chats, chat("abc", R"(,"logprobs":true,"top_logprobs":2)")).body);
    const auto& content = chat_body.at_pointer("/choices/0/logprobs/content").get_array();
    ASSERT_EQ(content.size(), 3u);
    EXPECT_EQ(content[0].at("token"), "d");
    EXPECT_EQ(content[0].at("top_logprobs").get_array().size(), 2u);
    const json::value body =
        read(post("/v1/completions",
                  R"({"model":"toy","temperature":0,"max_tokens":2,"prompt":"ab","logprobs":1})")
                 .body);
    EXPECT_EQ(json::serialize(body.at_pointer("/choices/0/logprobs/text_offset")), "[0,1]");
    const json::value echoed = read(
        post("/v1/completions", R"({"model":"toy","temperature":0,"max_tokens":2,"prompt":"ab",)"
                                R"("logprobs":1,"echo":true})")
            .body);
    EXPECT_EQ(json::serialize(echoed.at_pointer("/choices/0/logprobs/tokens")),
              R"(["a","b","c","d"])");
    EXPECT_TRUE(echoed.at_pointer("/choices/0/logprobs/token_logprobs/0").is_null());
}

TEST_F(OpenAiRoutesTest, what_is_ignored_is_told_or_refused) {
    const auto reply = post(chats, chat("abc", R"(,"user":"me","store":true)"));
    const json::value body = read(reply.body);
    ASSERT_EQ(body.at("x_ignored").get_array().size(), 2u);
    const auto strict =
        post(chats, chat("abc", R"(,"user":"me")"), "x-strict-parameters: true\r\n");
    EXPECT_EQ(strict.status, 400);
    EXPECT_EQ(read(strict.body).at_pointer("/error/param"), "user");
}

TEST_F(OpenAiRoutesTest, what_is_ignored_is_told_where_nothing_runs_too) {
    const std::string ignored = R"("x_ignored":[{"param":"user",)";
    const std::vector<std::pair<std::string, std::string>> requests = {
        {chats + "/render", chat("abc", R"(,"user":"me")")},
        {"/tokenize", R"({"content":"abc","user":"me"})"},
        {"/detokenize", R"({"tokens":[0],"user":"me"})"}};
    for (const auto& [path, body] : requests) {
        EXPECT_NE(post(path, body).body.find(ignored), std::string::npos) << path;
        const auto strict = post(path, body, "x-strict-parameters: true\r\n");
        EXPECT_EQ(strict.status, 400) << path;
    }
}

TEST_F(OpenAiRoutesTest, the_model_has_three_names) {
    const auto named = [&](const std::string& name) {
        return post("/v1/completions",
                    R"({"max_tokens":1,"temperature":0,"prompt":"a","model":")" + name + "\"}");
    };
    EXPECT_EQ(named("toy").status, 200);
    EXPECT_EQ(named("default").status, 200);
    const auto reply = named("gpt-4o");
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(read(reply.body).at_pointer("/error/code"), "model_not_found");
}

TEST_F(OpenAiRoutesTest, errors_have_openais_shape) {
    check_refused(chats, "{", 400, "line 1");
    check_refused(chats, "[]", 400, "must be an object");
    check_refused(chats, chat("abc", R"(,"top_p":3)"), 400, R"("param":"top_p")");
    check_refused(chats, chat("abc", R"(,"n":3)"), 400, R"("param":"n")");
    check_refused(chats, chat(std::string(64, 'a')), 400, "context_length_exceeded");
    check_refused(chats, chat("0123"), 400, "has no tokens");
    check_refused("/v1/completions", R"({"model":"toy","prompt":"a","suffix":"b"})", 400,
                  R"("param":"suffix")");
}

TEST_F(OpenAiRoutesTest, a_model_that_writes_makes_no_embeddings) {
    for (const std::string path : {"/v1/embeddings", "/openai/v1/embeddings"})
        check_refused(path, R"({"model":"toy","input":"a"})", 400,
                      "serve one that has pooling, with embedding-worker-rbee");
}

TEST_F(OpenAiRoutesTest, a_chats_prompt_can_be_seen_without_running_it) {
    const auto reply = post(chats + "/render", chat("abc"));
    EXPECT_EQ(reply.body, R"({"prompt":"abc","tokens":[0,1,2],"prompt_tokens":3})");
}

TEST_F(OpenAiRoutesTest, what_a_caller_spells_out_is_no_control_token) {
    // Only letters can be said in the toy's tokens.
    const auto reply = post(chats + "/render", chat("a<control>b"));
    EXPECT_EQ(reply.body, R"({"prompt":"a<control>b","tokens":[0,2,14,13,19,17,14,11,1],)"
                          R"("prompt_tokens":9})");
    EXPECT_EQ(post("/tokenize", R"({"content":"a<control>b"})").body, R"({"tokens":[0,29,1]})");
}

TEST_F(OpenAiRoutesTest, the_tokenizer_can_be_asked) {
    EXPECT_EQ(post("/tokenize", R"({"content":"abc"})").body, R"({"tokens":[0,1,2]})");
    EXPECT_EQ(post("/v1/tokenize", R"({"content":"a","with_pieces":true})").body,
              R"({"tokens":[{"id":0,"piece":"a"}]})");
    EXPECT_EQ(post("/detokenize", R"({"tokens":[0,1,29]})").body, R"({"content":"ab<control>"})");
    check_refused("/detokenize", R"({"tokens":[30]})", 400, R"("param":"tokens")");
    check_refused("/tokenize", R"({})", 400, R"("param":"content")");
}

TEST_F(OpenAiRoutesTest, tells_the_model) {
    const json::value list = read(worker::http_get(worker_.port(), "/v1/models").body);
    const json::value& model = list.at_pointer("/data/0");
    EXPECT_EQ(model.at("id"), "toy");
    EXPECT_EQ(model.at_pointer("/meta/context_length"), 64);
    EXPECT_EQ(model.at_pointer("/meta/recommended/top_k"), 1);
    EXPECT_EQ(read(worker::http_get(worker_.port(), "/v1/models/toy").body), model);
    EXPECT_EQ(read(worker::http_get(worker_.port(), "/v1/models/default").body), model);
    const auto other = worker::http_get(worker_.port(), "/v1/models/other");
    EXPECT_EQ(other.status, 404);
    EXPECT_EQ(read(other.body).at_pointer("/error/code"), "model_not_found");
}

TEST_F(OpenAiRoutesTest, what_fails_before_its_first_output_is_an_ordinary_error) {
    worker_.gate().close();
    const auto soon = std::chrono::system_clock::now() + std::chrono::milliseconds(200);
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(soon.time_since_epoch());
    const auto reply = post(chats, chat("abc", R"(,"stream":true)"),
                            "x-deadline: " + std::to_string(since.count()) + "\r\n");
    worker_.gate().open();
    EXPECT_EQ(reply.status, 504) << reply.body;
    EXPECT_EQ(reply.field("x-should-retry"), "false");
    EXPECT_EQ(read(reply.body).at_pointer("/error/code"), "timeout");
}

}  // namespace
}  // namespace llm

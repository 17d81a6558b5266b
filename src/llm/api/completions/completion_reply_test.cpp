#include "llm/api/completions/completion_reply.h"

#include "tests/support/toy_model.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace llm {
namespace {

CompletionReply::Settings settings() {
    return {.head = {.id = "cmpl-1",
                     .created = 7,
                     .model = "toy",
                     .system_fingerprint = "fp",
                     .x_ignored = ""},
            .echoes = {""},
            .vocabulary = std::make_shared<ToyVocabulary>()};
}

const worker::Ended ended{.tokens_in = 5, .tokens_cached = 3, .tokens_out = 2};

TextOutput output(std::string text, std::vector<Logprobs> details = {}) {
    return {.text = std::move(text), .tokens = 1, .details = std::move(details)};
}

Logprobs logprob(Token token, float logprob) {
    return {.chosen = {token, logprob}, .top = {{token, logprob}}};
}

const std::string head = R"("id":"cmpl-1","object":"text_completion","created":7,"model":"toy",)"
                         R"("system_fingerprint":"fp")";

TEST(CompletionReplyTest, a_stream_is_pieces_and_the_reason_of_its_end) {
    CompletionReply reply(settings());
    EXPECT_EQ(reply.stream_begin(), "");
    EXPECT_EQ(reply.take(0, output("a")),
              "data: {" + head +
                  R"(,"choices":[{"text":"a","index":0,"logprobs":null,"finish_reason":null}]})"
                  "\n\n");
    EXPECT_EQ(reply.take(0, ended),
              "data: {" + head +
                  R"(,"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]})"
                  "\n\n");
    EXPECT_EQ(reply.stream_end(), "");
}

TEST(CompletionReplyTest, several_prompts_are_one_reply) {
    auto with = settings();
    with.echoes = {"x", "y"};
    CompletionReply reply(with);
    for (const std::size_t job : {1u, 0u}) {
        reply.take(job, output(job == 0 ? "a" : "b"));
        reply.take(job, ended);
    }
    EXPECT_EQ(reply.body(),
              "{" + head +
                  R"(,"choices":[{"text":"xa","index":0,"logprobs":null,"finish_reason":"stop"},)"
                  R"({"text":"yb","index":1,"logprobs":null,"finish_reason":"stop"}],)"
                  R"("usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,)"
                  R"("prompt_tokens_details":{"cached_tokens":6},"completion_tokens_details":)"
                  R"({"reasoning_tokens":0,"accepted_prediction_tokens":0,)"
                  R"("rejected_prediction_tokens":0}}})");
}

TEST(CompletionReplyTest, an_echo_comes_with_its_logprobs) {
    auto with = settings();
    with.echoes = {"ab"};
    with.detail = TokenDetail::logprobs;
    with.logprobs = true;
    TextOutput first = output("c", {logprob(2, -0.5F)});
    first.prompt_details = {{.chosen = {0, std::numeric_limits<float>::quiet_NaN()}},
                            logprob(1, -0.25F)};
    const std::string told =
        R"("text":"abc","index":0,"logprobs":{"tokens":["a","b","c"],)"
        R"("token_logprobs":[null,-0.25,-0.5],"top_logprobs":[null,{"b":-0.25},{"c":-0.5}],)"
        R"("text_offset":[0,1,2]},"finish_reason":)";
    CompletionReply streamed(with);
    EXPECT_EQ(streamed.stream_begin(), "");
    EXPECT_EQ(streamed.take(0, first),
              "data: {" + head + R"(,"choices":[{)" + told + "null}]}\n\n");
    CompletionReply whole(with);
    whole.take(0, first);
    whole.take(0, ended);
    EXPECT_NE(whole.body().find(told + "\"stop\"}"), std::string::npos) << whole.body();
}

TEST(CompletionReplyTest, an_echo_comes_first_in_a_stream) {
    auto with = settings();
    with.echoes = {"é"};
    CompletionReply reply(with);
    EXPECT_EQ(reply.stream_begin(),
              "data: {" + head +
                  R"(,"choices":[{"text":"é","index":0,"logprobs":null,"finish_reason":null}]})"
                  "\n\n");
    EXPECT_EQ(reply.take(0, output("b")),
              "data: {" + head +
                  R"(,"choices":[{"text":"b","index":0,"logprobs":null,"finish_reason":null}]})"
                  "\n\n");
}

TEST(CompletionReplyTest, tells_the_likeliest_of_more_than_were_wanted) {
    auto with = settings();
    with.n = 2;
    with.best_of = 3;
    with.detail = TokenDetail::logprobs;
    CompletionReply reply(with);
    const float logprobs[] = {-3, -1, -2};
    for (const Token job : {0, 1, 2}) {
        const auto index = static_cast<std::size_t>(job);
        reply.take(index, output(std::string(1, static_cast<char>('a' + job)),
                                 {logprob(job, logprobs[index])}));
        reply.take(index, ended);
    }
    const std::string body = reply.body();
    EXPECT_NE(
        body.find(R"("choices":[{"text":"b","index":0,"logprobs":null,"finish_reason":"stop"},)"
                  R"({"text":"c","index":1,"logprobs":null,"finish_reason":"stop"}])"),
        std::string::npos)
        << body;
    EXPECT_NE(body.find(R"("prompt_tokens":5,"completion_tokens":6)"), std::string::npos);
}

}  // namespace
}  // namespace llm

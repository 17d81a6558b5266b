#include "llm/api/completions/chat_reply.h"

#include "tests/support/toy_model.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace llm {
namespace {

ChatReply::Settings settings() {
    return {.head = {.id = "chatcmpl-1",
                     .created = 7,
                     .model = "toy",
                     .system_fingerprint = "fp",
                     .x_ignored = ""},
            .vocabulary = std::make_shared<ToyVocabulary>()};
}

worker::Ended ended(worker::StopReason reason = worker::StopReason::eos) {
    return {.tokens_in = 5, .tokens_cached = 3, .tokens_out = 2, .stop_reason = reason};
}

TextOutput output(std::string text) {
    return {.text = std::move(text), .tokens = 1};
}

TextOutput with_logprob(std::string text, Logprobs details) {
    return {.text = std::move(text), .tokens = 1, .details = {std::move(details)}};
}

// Of each chunk its choices; ids of calls are not told.
std::string choices_of(const std::string& frames) {
    static const std::regex head(
        R"re(data: \{"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,)re"
        R"re("model":"toy","system_fingerprint":"fp",)re");
    const std::string text = std::regex_replace(frames, head, "");
    return std::regex_replace(text, std::regex(R"("call_[0-9a-f]{24}")"), R"("call_…")");
}

// The whole transcript of a reply with these outputs.
std::string stream(ChatReply::Settings with, std::vector<TextOutput> outputs,
                   const worker::Ended& end) {
    ChatReply reply(std::move(with));
    std::string frames = reply.stream_begin();
    for (TextOutput& each : outputs) frames += reply.take(0, std::move(each));
    frames += reply.take(0, end);
    return frames + reply.stream_end();
}

std::string whole(ChatReply::Settings with, std::vector<TextOutput> outputs,
                  const worker::Ended& end) {
    ChatReply reply(std::move(with));
    for (TextOutput& each : outputs) reply.take(0, std::move(each));
    reply.take(0, end);
    return reply.body();
}

TEST(ChatReplyTest, a_stream_is_role_pieces_and_the_reason_of_its_end) {
    EXPECT_EQ(stream(settings(), {output("a"), output("b\n")}, ended()),
              R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,)"
              R"("model":"toy","system_fingerprint":"fp","choices":[{"index":0,)"
              R"("delta":{"role":"assistant","content":""},"logprobs":null,)"
              R"("finish_reason":null}]})"
              "\n\n"
              R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,)"
              R"("model":"toy","system_fingerprint":"fp","choices":[{"index":0,)"
              R"("delta":{"content":"a"},"logprobs":null,"finish_reason":null}]})"
              "\n\n"
              R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,)"
              R"("model":"toy","system_fingerprint":"fp","choices":[{"index":0,)"
              R"("delta":{"content":"b\n"},"logprobs":null,"finish_reason":null}]})"
              "\n\n"
              R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,)"
              R"("model":"toy","system_fingerprint":"fp","choices":[{"index":0,)"
              R"("delta":{},"logprobs":null,"finish_reason":"stop"}]})"
              "\n\n");
}

TEST(ChatReplyTest, a_whole_reply_is_one_object) {
    EXPECT_EQ(whole(settings(), {output("a"), output("b")}, ended()),
              R"({"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"toy",)"
              R"("system_fingerprint":"fp","choices":[{"index":0,"message":{"role":"assistant",)"
              R"("content":"ab","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
              R"("usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,)"
              R"("prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":)"
              R"({"reasoning_tokens":0,"accepted_prediction_tokens":0,)"
              R"("rejected_prediction_tokens":0}}})");
}

TEST(ChatReplyTest, a_reply_that_is_cut_says_length) {
    const std::string body =
        whole(settings(), {output("a")}, ended(worker::StopReason::max_tokens));
    EXPECT_NE(body.find(R"("finish_reason":"length")"), std::string::npos);
}

TEST(ChatReplyTest, usage_comes_last_in_a_stream_that_asked_for_it) {
    auto with = settings();
    with.stream_usage = StreamUsage::shown;
    const std::string frames = choices_of(stream(with, {}, ended()));
    EXPECT_EQ(frames,
              R"("choices":[{"index":0,"delta":{"role":"assistant","content":""},)"
              R"("logprobs":null,"finish_reason":null}],"usage":null})"
              "\n\n"
              R"("choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],)"
              R"("usage":null})"
              "\n\n"
              R"("choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,)"
              R"("prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":)"
              R"({"reasoning_tokens":0,"accepted_prediction_tokens":0,)"
              R"("rejected_prediction_tokens":0}}})"
              "\n\n");
}

TEST(ChatReplyTest, the_first_chunk_alone_lists_what_was_ignored) {
    auto with = settings();
    with.head.x_ignored = R"([{"param":"user"}])";
    const std::string frames = stream(with, {output("a")}, ended());
    const std::string listed = R"("x_ignored":[{"param":"user"}])";
    const std::size_t first = frames.find(listed);
    EXPECT_LT(first, frames.find("\n\n"));
    EXPECT_EQ(frames.find(listed, first + 1), std::string::npos);
    EXPECT_NE(whole(with, {}, ended()).find(listed), std::string::npos);
}

TEST(ChatReplyTest, choices_are_told_apart_and_their_prompt_counts_once) {
    auto with = settings();
    with.choices = 2;
    ChatReply reply(with);
    reply.take(1, output("b"));
    reply.take(0, output("a"));
    reply.take(0, ended());
    reply.take(1, ended());
    const std::string body = reply.body();
    EXPECT_NE(body.find(R"("index":0,"message":{"role":"assistant","content":"a")"),
              std::string::npos);
    EXPECT_NE(body.find(R"("index":1,"message":{"role":"assistant","content":"b")"),
              std::string::npos);
    EXPECT_NE(body.find(R"("prompt_tokens":5,"completion_tokens":4)"), std::string::npos);
}

TEST(ChatReplyTest, logprobs_are_told_with_the_piece_that_their_tokens_are_in) {
    auto with = settings();
    with.detail = TokenDetail::logprobs;
    const Logprobs e{.chosen = {ToyVocabulary::e_acute_first, -0.5F},
                     .top = {{1, -0.25F}, {2, -std::numeric_limits<float>::infinity()}}};
    const std::string told =
        R"("logprobs":{"content":[{"token":"�","logprob":-0.5,"bytes":[195],"top_logprobs":[)"
        R"({"token":"b","logprob":-0.25,"bytes":[98]},)"
        R"({"token":"c","logprob":-9999,"bytes":[99]}]}],"refusal":null})";
    EXPECT_NE(whole(with, {with_logprob("é", e)}, ended()).find(told), std::string::npos);
    const std::string frames = stream(with, {with_logprob("é", e)}, ended());
    EXPECT_NE(frames.find(R"("delta":{"content":"é"},)" + told), std::string::npos) << frames;
}

TEST(ChatReplyTest, token_ids_are_told_where_they_were_asked_for) {
    auto with = settings();
    with.detail = TokenDetail::ids;
    with.token_ids = true;
    const std::string told = R"("logprobs":null,"token_ids":[3])";
    EXPECT_NE(whole(with, {with_logprob("d", {.chosen = {3, 0}})}, ended()).find(told),
              std::string::npos);
    EXPECT_NE(stream(with, {with_logprob("d", {.chosen = {3, 0}})}, ended()).find(told),
              std::string::npos);
}

TEST(ChatReplyTest, reasoning_is_no_content) {
    auto with = settings();
    with.reasoning = ReasoningFormat::think;
    const std::vector<TextOutput> outputs{output("<think>"), output("hm"), output("</think>"),
                                          output("a")};
    const std::string body = whole(with, outputs, ended());
    EXPECT_NE(body.find(R"("content":"a","refusal":null,"reasoning_content":"hm")"),
              std::string::npos)
        << body;
    // The tag that closes it is counted, the one that opens it is not.
    EXPECT_NE(body.find(R"("reasoning_tokens":2)"), std::string::npos) << body;
    EXPECT_NE(stream(with, outputs, ended()).find(R"("delta":{"reasoning_content":"hm"})"),
              std::string::npos);
}

TEST(ChatReplyTest, calls_of_tools_are_streamed_as_they_come) {
    auto with = settings();
    with.tool_format = ToolFormat::tagged_json;
    with.tools = {{.name = "f"}};
    const std::vector<TextOutput> outputs{output("<tool_call>\n{\"name\": \"f\", \"arguments\": {"),
                                          output("\"x\": 1}}\n"), output("</tool_call>")};
    const std::string frames = choices_of(stream(with, outputs, ended()));
    const std::string rest = R"(,"logprobs":null,"finish_reason":null}]})"
                             "\n\n";
    EXPECT_EQ(frames.substr(frames.find("\n\n") + 2),
              R"("choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_…",)"
              R"("type":"function","function":{"name":"f","arguments":""}}]})" +
                  rest +
                  R"("choices":[{"index":0,"delta":{"tool_calls":[{"index":0,)"
                  R"("function":{"arguments":"{"}}]})" +
                  rest +
                  R"("choices":[{"index":0,"delta":{"tool_calls":[{"index":0,)"
                  R"("function":{"arguments":"\"x\": 1}"}}]})" +
                  rest +
                  R"("choices":[{"index":0,"delta":{},"logprobs":null,)"
                  R"("finish_reason":"tool_calls"}]})"
                  "\n\n");
    const std::string body = choices_of(whole(with, outputs, ended()));
    EXPECT_NE(body.find(R"("content":null,"refusal":null,"tool_calls":[{"id":"call_…",)"
                        R"("type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}}])"),
              std::string::npos)
        << body;
    EXPECT_NE(body.find(R"("finish_reason":"tool_calls")"), std::string::npos);
}

}  // namespace
}  // namespace llm

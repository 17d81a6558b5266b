#include "llm/text/reply_parser.h"

#include "llm/text/reply_transcript.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace llm {
namespace {

const std::vector<Tool>& tools() {
    static const std::vector<Tool> known = {
        {.name = "add"},
        {.name = "say",
         .parameters = {{{"type", "object"}, {"properties", {{"text", {{"type", "string"}}}}}}}},
    };
    return known;
}

struct Reply {
    std::string transcript;
    std::string content;
    std::vector<ReplyDelta> deltas;
    bool has_calls = false;
};

Reply parse(const ReplyParser::Settings& settings, const std::vector<std::string>& pieces) {
    ReplyParser parser(settings);
    Reply reply;
    for (const std::string& piece : pieces) parser.push(piece, reply.deltas);
    parser.finish(reply.deltas);
    reply.transcript = reply_transcript(reply.deltas);
    for (const ReplyDelta& delta : reply.deltas) {
        if (const auto* content = std::get_if<ContentDelta>(&delta)) reply.content += content->text;
    }
    reply.has_calls = parser.has_calls();
    return reply;
}

TEST(ReplyParserTest, reads_reasoning_then_text_then_calls) {
    const ReplyParser::Settings settings = {.tool_format = ToolFormat::tagged_json,
                                            .tools = tools(),
                                            .reasoning = ReasoningFormat::think};
    EXPECT_EQ(parse(settings, {"<think>\nI <tool_call>{\"name\": \"add\"}\n</think>\n\nSo:\n",
                               "<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n</tool_call>"})
                  .transcript,
              "~I <tool_call>{\"name\": \"add\"}~ 'So:' #0 add({})");
}

TEST(ReplyParserTest, finds_a_call_without_a_marker_behind_reasoning) {
    const ReplyParser::Settings settings = {.tool_format = ToolFormat::bare_json,
                                            .tools = tools(),
                                            .reasoning = ReasoningFormat::think,
                                            .start = ReplyStart::inside};
    EXPECT_EQ(parse(settings, {"Hm</think>\n\n{\"name\": \"add\"}"}).transcript, "~Hm~ #0 add({})");
}

TEST(ReplyParserTest, tells_where_reasoning_ends) {
    ReplyParser parser({.reasoning = ReasoningFormat::think});
    std::vector<ReplyDelta> deltas;
    std::string reasons;
    for (const std::string_view piece : {"<think>", "Hm", "</think>", "Yes"}) {
        parser.push(piece, deltas);
        reasons += parser.is_reasoning() ? 'y' : 'n';
    }
    EXPECT_EQ(reasons, "yynn");
}

constexpr ToolFormat all_formats[] = {
    ToolFormat::none,      ToolFormat::tagged_json,    ToolFormat::tagged_xml,
    ToolFormat::bare_json, ToolFormat::mistral_list,   ToolFormat::mistral_named,
    ToolFormat::functools, ToolFormat::tool_call_list, ToolFormat::tags_list,
    ToolFormat::generic,
};

// What all formats are made of, in any order, and something of the inside of each.
rc::Gen<std::vector<std::string>> fragments() {
    return rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "<think>", "</think>", "<tool_call>", "</tool_call>", "<function=", "add>", "</function>",
        "<parameter=text>", "<parameter=a>", "</parameter>", "[TOOL_CALLS]", "[ARGS]", "add",
        "functools", "<|python_tag|>", "<|tool_call|>", "<|/tool_call|>", "<TOOLCALL>",
        "</TOOLCALL>", "{\"tool_calls\": ", R"({"name": "add", "arguments": {"a": [1]}})",
        R"({"name": "add", "arguments": )", R"({"name":"say"})", R"("parameters":)", "{\"a\": [1, ",
        "\"{\\\"b\\\": ", "\\\"", "\"", "{", "}", "[", "]", "<", ",", ";", ":", "\n", " ", "é", "1",
        "null", "\\ud83d"));
}

// Cuts at the characters that `places` name; a character is never cut.
std::vector<std::string> cut(const std::string& text, const std::vector<std::size_t>& places) {
    std::vector<bool> ends(text.size() + 1, false);
    for (const std::size_t place : places) ends[place % ends.size()] = true;
    std::vector<std::string> pieces(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool continues = (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
        if (ends[i] && !continues) pieces.emplace_back();
        pieces.back() += text[i];
    }
    return pieces;
}

RC_GTEST_PROP(ReplyParserTest, says_the_same_of_a_text_however_it_is_cut, ()) {
    const ReplyParser::Settings settings = {
        .tool_format =
            *rc::gen::elementOf(std::vector(std::begin(all_formats), std::end(all_formats))),
        .tools = tools(),
        .reasoning = *rc::gen::element(ReasoningFormat::none, ReasoningFormat::think),
        .start = *rc::gen::element(ReplyStart::outside, ReplyStart::inside)};
    std::string text;
    for (const std::string& fragment : *fragments()) text += fragment;
    const auto places =
        *rc::gen::container<std::vector<std::size_t>>(rc::gen::arbitrary<std::size_t>());

    const Reply whole = parse(settings, {text});
    const Reply pieces = parse(settings, cut(text, places));
    RC_ASSERT(pieces.transcript == whole.transcript);
    RC_ASSERT(pieces.has_calls == whole.has_calls);
    if (!whole.has_calls && settings.reasoning == ReasoningFormat::none) {
        RC_ASSERT(whole.content == text);
    }
}

}  // namespace
}  // namespace llm

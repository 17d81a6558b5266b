#include "llm/text/reasoning_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace llm {
namespace {

using Parts = ReasoningSplitter::Parts;

Parts split(ReasoningFormat format, ReplyStart start, const std::vector<std::string_view>& pieces) {
    ReasoningSplitter splitter(format, start);
    Parts joined;
    const auto add = [&joined](const Parts& parts) {
        EXPECT_TRUE(parts.reasoning.empty() || joined.content.empty()) << parts.reasoning;
        joined.reasoning += parts.reasoning;
        joined.content += parts.content;
    };
    for (const std::string_view piece : pieces) add(splitter.push(piece));
    add(splitter.finish());
    return joined;
}

struct Case {
    std::string_view text;
    Parts parts;
    ReplyStart start = ReplyStart::outside;
    ReasoningFormat format = ReasoningFormat::think;
};

void check(const Case& expected) {
    const std::string_view text = expected.text;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        ASSERT_EQ(split(expected.format, expected.start, {text.substr(0, cut), text.substr(cut)}),
                  expected.parts)
            << text << ", cut at " << cut;
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
    ASSERT_EQ(split(expected.format, expected.start, bytes), expected.parts) << text;
}

TEST(ReasoningSplitterTest, parts_reasoning_from_content) {
    check({.text = "<think>\nWell.\n</think>\n\nYes.", .parts = {"Well.", "Yes."}});
    check({.text = "\n <think>a\n\nb</think>c", .parts = {"a\n\nb", "c"}});
    check({.text = "[THINK]a[/THINK]b",
           .parts = {"a", "b"},
           .format = ReasoningFormat::think_brackets});
    check({.text = "<|channel>thought\na\n<channel|>b",
           .parts = {"a", "b"},
           .format = ReasoningFormat::thought_channel});
}

TEST(ReasoningSplitterTest, starts_inside_where_the_prompt_has_opened_it) {
    check({.text = "a\n</think>\nb", .parts = {"a", "b"}, .start = ReplyStart::inside});
    check({.text = "\n<think>a</think>b", .parts = {"a", "b"}, .start = ReplyStart::inside});
    check({.text = "</think>b", .parts = {"", "b"}, .start = ReplyStart::inside});
    check({.text = "<thin</think>b", .parts = {"<thin", "b"}, .start = ReplyStart::inside});
    check({.text = "a</thin", .parts = {"a</thin", ""}, .start = ReplyStart::inside});
    check({.text = "<thi", .parts = {"<thi", ""}, .start = ReplyStart::inside});
}

TEST(ReasoningSplitterTest, gives_no_reasoning_where_there_is_none) {
    check({.text = "", .parts = {"", ""}});
    check({.text = " \n", .parts = {"", " \n"}});
    check({.text = "\nYes.", .parts = {"", "\nYes."}});
    check({.text = "<thinking> hm", .parts = {"", "<thinking> hm"}});
    check({.text = "<think>\n\n</think>\n\nYes.", .parts = {"", "Yes."}});
    check({.text = "<think>a</think>b",
           .parts = {"", "<think>a</think>b"},
           .format = ReasoningFormat::none});
}

TEST(ReasoningSplitterTest, takes_tags_further_on_for_text) {
    check({.text = "A <think>tag</think>", .parts = {"", "A <think>tag</think>"}});
    check({.text = "<think>a</think>b<think>c</think>", .parts = {"a", "b<think>c</think>"}});
    check({.text = "<think>a<think>b</think>c", .parts = {"a<think>b", "c"}});
}

TEST(ReasoningSplitterTest, keeps_what_a_reply_that_is_cut_off_has_said) {
    check({.text = "<think>a\nb\n", .parts = {"a\nb", ""}});
    check({.text = "<think>a</th", .parts = {"a</th", ""}});
    check({.text = "<thin", .parts = {"", "<thin"}});
}

TEST(ReasoningFormatTest, is_what_the_template_shows) {
    EXPECT_EQ(reasoning_format_of("'<think>\\n' + reasoning + '\\n</think>'"),
              ReasoningFormat::think);
    EXPECT_EQ(reasoning_format_of("content.split('</think>')[-1]"), ReasoningFormat::think);
    EXPECT_EQ(reasoning_format_of("'[THINK]' + block + '[/THINK]'"),
              ReasoningFormat::think_brackets);
    EXPECT_EQ(reasoning_format_of("set think_end = '</seed:think>'"), ReasoningFormat::seed_think);
    EXPECT_EQ(reasoning_format_of("<|START_THINKING|><|END_THINKING|>"), ReasoningFormat::thinking);
    EXPECT_EQ(reasoning_format_of("<|inner_prefix|> <|inner_suffix|>"), ReasoningFormat::inner);
    EXPECT_EQ(reasoning_format_of("'<|channel>thought\\n<channel|>'"),
              ReasoningFormat::thought_channel);
    EXPECT_EQ(reasoning_format_of("{{ message.content }}"), ReasoningFormat::none);
}

TEST(ReplyStartTest, is_inside_where_the_prompt_ends_with_the_tag) {
    EXPECT_EQ(reply_start(ReasoningFormat::think, "assistant\n<think>\n"), ReplyStart::inside);
    EXPECT_EQ(reply_start(ReasoningFormat::think, "assistant <think>"), ReplyStart::inside);
    EXPECT_EQ(reply_start(ReasoningFormat::think, "<think>\n\n</think>\n\n"), ReplyStart::outside);
    EXPECT_EQ(reply_start(ReasoningFormat::think, ""), ReplyStart::outside);
    EXPECT_EQ(reply_start(ReasoningFormat::none, "<think>"), ReplyStart::outside);
}

}  // namespace
}  // namespace llm

#include "llm/text/text_search.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace llm {
namespace {

std::vector<std::size_t> longest_at_each_end(const std::vector<std::string>& texts,
                                             std::string_view in) {
    const TextSearch search(texts);
    TextSearch::Pass pass(search);
    std::vector<std::size_t> lengths;
    for (const char character : in) lengths.push_back(pass.advance(character));
    return lengths;
}

using Lengths = std::vector<std::size_t>;

TEST(TextSearchTest, finds_the_longest_text_that_ends_at_each_byte) {
    EXPECT_EQ(longest_at_each_end({"he", "she", "hers"}, "shers"), Lengths({0, 0, 3, 0, 4}));
    EXPECT_EQ(longest_at_each_end({"a", "aa"}, "aaa"), Lengths({1, 2, 2}));
    EXPECT_EQ(longest_at_each_end({"abab", "ba"}, "ababab"), Lengths({0, 0, 2, 4, 2, 4}));
    EXPECT_EQ(longest_at_each_end({"é"}, "\xC3\xA9"), Lengths({0, 2}));
    EXPECT_EQ(longest_at_each_end({}, "ab"), Lengths({0, 0}));
}

TEST(TextSearchTest, knows_whether_a_text_may_go_on) {
    const std::vector<std::string> texts = {"abc", "xb"};
    const TextSearch search(texts);
    TextSearch::Pass pass(search);
    std::string within;
    for (const char character : std::string("zabxbc")) {
        pass.advance(character);
        within += pass.is_within() ? '1' : '0';
    }
    EXPECT_EQ(within, "011110");
}

RC_GTEST_PROP(TextSearchTest, finds_what_a_plain_search_finds, ()) {
    const auto text = rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'));
    const auto texts = *rc::gen::container<std::vector<std::string>>(
        rc::gen::suchThat(text, [](const std::string& one) { return !one.empty(); }));
    const std::string in = *text;
    std::vector<std::size_t> expected;
    for (std::size_t end = 1; end <= in.size(); ++end) {
        std::size_t longest = 0;
        for (const std::string& one : texts) {
            if (std::string_view(in).substr(0, end).ends_with(one)) {
                longest = std::max(longest, one.size());
            }
        }
        expected.push_back(longest);
    }
    RC_ASSERT(longest_at_each_end(texts, in) == expected);
}

}  // namespace
}  // namespace llm

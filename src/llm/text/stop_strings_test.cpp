#include "llm/text/stop_strings.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace llm {
namespace {

struct Case {
    std::vector<std::string> stops;
    std::vector<std::string> pieces;
    std::vector<std::string> texts;  // One a piece up to the match; without one, `flush` last.
    std::optional<std::string> matched = std::nullopt;
};

void check(const Case& expected) {
    StopStrings stops(expected.stops);
    std::vector<std::string> texts;
    std::optional<std::string> matched;
    for (const std::string& piece : expected.pieces) {
        const StopStrings::Output output = stops.push(piece);
        texts.push_back(output.text);
        if (!output.matched) continue;
        matched = stops.stop(*output.matched);
        break;
    }
    if (!matched) texts.push_back(stops.flush());
    EXPECT_EQ(texts, expected.texts);
    EXPECT_EQ(matched, expected.matched);
}

TEST(StopStringsTest, passes_text_without_stops) {
    check({.stops = {}, .pieces = {"Hel", "lo"}, .texts = {"Hel", "lo", ""}});
    check({.stops = {"x"}, .pieces = {"", "Hello"}, .texts = {"", "Hello", ""}});
}

TEST(StopStringsTest, gives_nothing_of_a_matched_stop) {
    check({.stops = {"lo"}, .pieces = {"Hel", "lo"}, .texts = {"He", "l"}, .matched = "lo"});
    check({.stops = {"END"}, .pieces = {"abENDcd"}, .texts = {"ab"}, .matched = "END"});
    check({.stops = {"\n\n"},
           .pieces = {"a\n", "b\n", "\nc"},
           .texts = {"a", "\nb", ""},
           .matched = "\n\n"});
    check({.stops = {"é"}, .pieces = {"caf", "é!"}, .texts = {"caf", ""}, .matched = "é"});
}

TEST(StopStringsTest, gives_what_was_held_when_it_was_no_stop) {
    check({.stops = {"END"}, .pieces = {"aEN", "xEN"}, .texts = {"a", "ENx", "EN"}});
    check({.stops = {"aab"}, .pieces = {"aa", "aa", "c"}, .texts = {"", "aa", "aac", ""}});
}

TEST(StopStringsTest, finds_a_stop_behind_its_own_beginning) {
    check({.stops = {"aab"}, .pieces = {"aa", "ab"}, .texts = {"", "a"}, .matched = "aab"});
    check({.stops = {"abac"}, .pieces = {"ababac"}, .texts = {"ab"}, .matched = "abac"});
}

TEST(StopStringsTest, takes_the_stop_that_is_complete_first) {
    check({.stops = {"abcd", "bc"}, .pieces = {"abcd"}, .texts = {"a"}, .matched = "bc"});
    check({.stops = {"two", "one"}, .pieces = {"one two"}, .texts = {""}, .matched = "one"});
}

TEST(StopStringsTest, takes_the_longest_of_those_that_end_together) {
    check({.stops = {"c", "abc", "bc"}, .pieces = {"xabc"}, .texts = {"x"}, .matched = "abc"});
    check({.stops = {"abc", "c"}, .pieces = {"xbc"}, .texts = {"xb"}, .matched = "c"});
}

struct Found {
    std::string text;
    std::optional<std::string> matched;
};

Found search_naively(const std::vector<std::string>& stops, const std::string& text) {
    for (std::size_t end = 1; end <= text.size(); ++end) {
        const std::string_view head = std::string_view(text).substr(0, end);
        std::optional<std::string> longest;
        for (const std::string& stop : stops) {
            if (head.ends_with(stop) && (!longest || stop.size() > longest->size())) longest = stop;
        }
        if (longest) return {std::string(head.substr(0, end - longest->size())), longest};
    }
    return {text, std::nullopt};
}

// Words of few letters, so that stops overlap themselves, each other and the text.
rc::Gen<std::string> word() {
    return rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'));
}

RC_GTEST_PROP(StopStringsTest, finds_what_a_search_in_the_whole_text_finds, ()) {
    const auto stops = *rc::gen::container<std::vector<std::string>>(rc::gen::nonEmpty(word()));
    const auto pieces = *rc::gen::container<std::vector<std::string>>(word());

    StopStrings streamed(stops);
    std::string whole;
    Found actual;
    for (const std::string& piece : pieces) {
        whole += piece;
        if (actual.matched) continue;
        const StopStrings::Output output = streamed.push(piece);
        actual.text += output.text;
        if (output.matched) actual.matched = streamed.stop(*output.matched);
    }
    if (!actual.matched) actual.text += streamed.flush();

    const Found expected = search_naively(stops, whole);
    RC_ASSERT(actual.text == expected.text);
    RC_ASSERT(actual.matched == expected.matched);
}

RC_GTEST_PROP(StopStringsTest, holds_back_no_more_than_a_stop_can_need, ()) {
    const auto stop = *rc::gen::nonEmpty(word());
    const auto pieces = *rc::gen::container<std::vector<std::string>>(word());
    StopStrings streamed({stop});
    std::size_t bytes_in = 0;
    std::size_t bytes_out = 0;
    for (const std::string& piece : pieces) {
        const StopStrings::Output output = streamed.push(piece);
        if (output.matched) break;
        bytes_in += piece.size();
        bytes_out += output.text.size();
        RC_ASSERT(bytes_in - bytes_out < stop.size());
    }
}

}  // namespace
}  // namespace llm

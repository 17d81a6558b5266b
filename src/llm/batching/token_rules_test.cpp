#include "llm/batching/token_rules.h"

#include "tests/support/toy_model.h"

#include <gtest/gtest.h>

#include <vector>

namespace llm {
namespace {

constexpr Token end = ToyVocabulary::end;

// What is banned after the tokens of `said`.
void check(const GenerateJob& job, const std::vector<Token>& said,
           const std::vector<Token>& expected) {
    const ToyVocabulary vocabulary;
    TokenRules rules(job, vocabulary);
    for (const Token token : said) rules.accept(token);
    const std::span<const Token> banned = rules.banned();
    EXPECT_EQ(std::vector<Token>(banned.begin(), banned.end()), expected);
}

TEST(TokenRules, nothing_is_banned_by_default) {
    check({}, {}, {});
    check({.stop_tokens = {4}}, {1}, {});
}
TEST(TokenRules, the_models_end_is_banned_where_it_is_to_be_ignored) {
    check({.ignore_eos = true, .stop_tokens = {4}}, {1, 2}, {end});
}
TEST(TokenRules, every_end_is_banned_until_the_reply_is_long_enough) {
    check({.min_tokens = 2, .stop_tokens = {4, 5}}, {1}, {end, 4, 5});
    check({.min_tokens = 2, .stop_tokens = {4, 5}}, {1, 2}, {});
}
TEST(TokenRules, a_bad_word_of_one_token_is_always_banned) {
    check({.bad_words = {{7}}}, {}, {7});
    check({.bad_words = {{7}, {8}}}, {1}, {7, 8});
}
TEST(TokenRules, the_last_token_of_a_bad_word_is_banned_behind_the_others) {
    const GenerateJob job{.bad_words = {{1, 2, 3}, {2, 4}, {1, 1, 5}}};
    check(job, {}, {});
    check(job, {1}, {});
    check(job, {1, 2}, {3, 4});
    check(job, {1, 2, 6}, {});
    check(job, {1, 2, 2}, {4});
    check(job, {9, 9, 9, 1, 1}, {5});
    check(job, {1, 1, 1}, {5});
}
TEST(TokenRules, a_prompt_is_no_beginning_of_a_bad_word) {
    check({.prompt = {1}, .bad_words = {{1, 2}}}, {}, {});
}

}  // namespace
}  // namespace llm

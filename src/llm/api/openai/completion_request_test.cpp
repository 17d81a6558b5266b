#include "llm/api/openai/completion_request.h"

#include "llm/api/openai/request_fixture.h"

namespace llm {
namespace {

std::string with_prompt(std::string_view prompt) {
    return R"({"model":"m","prompt":)" + std::string(prompt) + "}";
}

void reads(std::string_view prompt, const std::vector<TextOrTokens>& expected) {
    const auto request = parse_completion(with_prompt(prompt));
    ASSERT_TRUE(request.has_value()) << prompt << ": " << request.error().message;
    EXPECT_EQ(request->prompts, expected);
}

TEST(CompletionRequestTest, has_openais_defaults) {
    const CompletionRequest request = parse_completion(with_prompt("\"Hi\"")).value();
    EXPECT_EQ(request.generation.max_tokens, 16u);
    EXPECT_EQ(request.generation.temperature, 1.0);
    EXPECT_FALSE(request.echo);
    EXPECT_EQ(request.suffix, std::nullopt);
    EXPECT_EQ(request.logprobs, std::nullopt);
    EXPECT_EQ(request.best_of, 1u);
}

TEST(CompletionRequestTest, a_prompt_has_four_forms) {
    const std::vector<Token> tokens = {0, 99};
    reads("\"a\"", {"a"});
    reads("\"\"", {""});
    reads(R"(["a","b"])", {"a", "b"});
    reads("[0,99]", {tokens});
    reads("[0.0,99.0]", {tokens});
    reads("[[0,99],[1]]", {tokens, std::vector<Token>{1}});
    reads(R"([[0,99],"a"])", {tokens, "a"});
}

TEST(CompletionRequestTest, a_wrong_prompt_is_named) {
    const std::string tokens_rule = "; accepted: a list: tokens of 0..99";
    const std::pair<std::string_view, std::string> cases[] = {
        {"1",
         "prompt: prompt must be a text, a list of texts, a list of tokens, or a list of such "
         "lists"},
        {"[]", "prompt: prompt must not be empty"},
        {"[[]]", "prompt[0]: prompt[0] must not be empty"},
        {"[[1],[]]", "prompt[1]: prompt[1] must not be empty"},
        {"[true]",
         "prompt[0]: prompt[0] must be a text or a list of tokens, as the first prompt "
         "is one"},
        {R"(["a",5])",
         "prompt[1]: prompt[1] must be a text or a list of tokens, as the first "
         "prompt is one"},
        {"[1,100]", "prompt: token 1 must be at most 99 (got 100)" + tokens_rule},
        {"[1,\"a\"]", "prompt: token 1 must be an integer" + tokens_rule},
        {"[[1],[-1]]", "prompt[1]: token 0 must be at least 0" + tokens_rule},
        {"[[[1]]]", "prompt[0]: token 0 must be an integer" + tokens_rule},
        {"[1.5]", "prompt: token 0 must be an integer" + tokens_rule},
        {R"(["a","b","c","d"])", "prompt: prompt must have at most 3 prompts (got 4)"},
    };
    for (const auto& [prompt, expected] : cases) refuses_completion(with_prompt(prompt), expected);
}

TEST(CompletionRequestTest, the_best_are_chosen_of_at_least_n) {
    EXPECT_EQ(parse_completion(completion_with(R"("n":3)")).value().best_of, 3u);
    refuses_completion(completion_with(R"("n":3,"best_of":2)"),
                       "best_of: best_of must be at least n, 3 (got 2)");
    refuses_completion(completion_with(R"("best_of":5)"),
                       "best_of: best_of must be at most 4 (got 5); accepted: 1..4 (--parallel, "
                       "the worker's slots)");
    refuses_completion(completion_with(R"("best_of":2,"stream":true)"),
                       "best_of: best_of cannot be more than n with \"stream\": true: which "
                       "replies are the best is known when all are complete");
    EXPECT_TRUE(parse_completion(completion_with(R"("n":2,"best_of":2,"stream":true)")));
}

TEST(CompletionRequestTest, logprobs_is_a_number_here) {
    refuses_completion(completion_with(R"("logprobs":true)"),
                       "logprobs: logprobs must be an integer; accepted: 0..5");
    refuses_completion(completion_with(R"("logprobs":6)"),
                       "logprobs: logprobs must be at most 5 (got 6); accepted: 0..5");
}

TEST(CompletionRequestTest, the_default_of_max_tokens_is_a_limit_too) {
    refuses_completion(completion_with(R"("min_tokens":17)"),
                       "min_tokens: min_tokens must be at most max_tokens, 16 (got 17)");
}

}  // namespace
}  // namespace llm

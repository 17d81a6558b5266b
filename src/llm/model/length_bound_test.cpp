#include "llm/model/length_bound.h"

#include "tests/support/toy_model.h"

#include <gtest/gtest.h>

#include <string>

namespace llm {
namespace {

// A byte a token; counts the bytes that it is given.
class Counted final : public Vocabulary {
public:
    std::uint32_t size() const override { return toy_.size(); }
    Result<std::vector<Token>> tokenize(std::string_view text, SpecialTokens special,
                                        LeadingToken leading) const override {
        bytes += text.size();
        return toy_.tokenize(text, special, leading);
    }
    std::string_view piece(Token token) const override { return toy_.piece(token); }
    std::string_view spelling(Token token) const override { return toy_.spelling(token); }
    bool ends_generation(Token token) const override { return toy_.ends_generation(token); }
    std::span<const Token> ends() const override { return toy_.ends(); }
    std::optional<FillInMiddle> fill_in_middle() const override { return std::nullopt; }

    mutable std::size_t bytes = 0;

private:
    ToyVocabulary toy_;
};

TEST(LengthBoundTest, a_short_text_is_not_looked_at) {
    const Counted vocabulary;
    EXPECT_EQ(*surely_longer_than(10, std::string(1000, 'a'), vocabulary), std::nullopt);
    EXPECT_EQ(*surely_longer_than(1'000'000, std::string(100'000, 'a'), vocabulary), std::nullopt);
    EXPECT_EQ(vocabulary.bytes, 0u);
}

TEST(LengthBoundTest, of_a_text_that_is_too_long_only_the_beginning_is_looked_at) {
    const Counted vocabulary;
    const auto tokens = *surely_longer_than(1000, std::string(10'000'000, 'a'), vocabulary);
    ASSERT_TRUE(tokens);
    EXPECT_GT(*tokens, 1000u);
    EXPECT_LT(vocabulary.bytes, 100'000u);
}

TEST(LengthBoundTest, a_long_text_of_few_tokens_may_fit) {
    const Counted vocabulary;
    EXPECT_EQ(*surely_longer_than(1000, std::string(100'000, '.'), vocabulary), std::nullopt);
}

}  // namespace
}  // namespace llm

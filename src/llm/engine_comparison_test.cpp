// The instruments by which engines are judged: that they tell a difference where there is one, and
// that the models they are used on can show it. libllama against itself.
#include "llama/random_models.h"
#include "llm/engine_fixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

namespace llm {
namespace {

class EngineComparisonTest : public testing::Test {
protected:
    ModelFolder models_;
};

TEST_F(EngineComparisonTest, an_engine_does_not_diverge_from_itself) {
    const auto file = models_.random("llama", "F32");
    const auto one = open_reference(file, Precision::exact);
    const auto other = open_reference(file, Precision::exact);
    const EngineComparison found = compare(*one, *other, random_texts());
    EXPECT_EQ(found.positions, 2100u);
    EXPECT_EQ(found.divergence, 0);
    EXPECT_EQ(found.same_choice, 1);
    EXPECT_EQ(found.perplexity_ratio, 1);
    const TokenText prompt = random_text(9, 20, llama::random_model_tokens);
    EXPECT_EQ(lead_where_they_part(greedy(*one, prompt, 32), greedy(*other, prompt, 32)), 0);
}

TEST_F(EngineComparisonTest, weights_that_were_rounded_diverge_the_more_the_coarser_they_are) {
    const auto exact = open_reference(models_.random("llama", "F32"), Precision::exact);
    double finer = 0;
    for (const char* type : {"F32", "Q8_0", "Q4_0"}) {
        const auto rounded = open_reference(models_.random("llama", type), Precision::usual);
        const EngineComparison found = compare(*exact, *rounded, random_texts());
        std::printf("%-5s %s\n", type, found.line().c_str());
        EXPECT_GT(found.divergence, 2 * finer) << type;
        finer = found.divergence;
    }
}

// The same text but for one token: what both say later on differs by what they remember of it.
double memory_of_a_token(TextModel& model) {
    TokenText text = random_text(1, 128, llama::random_model_tokens);
    const std::vector<float> before = logits_of(model, text, 1);
    text[64] = (text[64] + 1) % static_cast<Token>(llama::random_model_tokens);
    const std::vector<float> after = logits_of(model, text, 1);
    double squares = 0;
    const std::size_t first = std::size_t{96} * llama::random_model_tokens;
    for (std::size_t i = first; i < before.size(); ++i)
        squares += std::pow(double{before[i]} - double{after[i]}, 2);
    return std::sqrt(squares / static_cast<double>(before.size() - first));
}

TEST_F(EngineComparisonTest, random_models_choose_neither_certainly_nor_arbitrarily) {
    std::vector<TokenText> short_texts = random_texts();
    for (TokenText& text : short_texts) text.resize(64);
    for (const std::string_view name : llama::random_models()) {
        SCOPED_TRACE(name);
        const auto file = models_.random(name, "F32");
        const auto model = open_reference(file, Precision::exact);
        const auto same = open_reference(file, Precision::exact);
        const EngineComparison found = compare(*model, *same, short_texts);
        const double memory = memory_of_a_token(*model);
        std::printf("%-12s entropy %.3f, a token's trace %.4f\n", std::string(name).c_str(),
                    found.entropy, memory);
        EXPECT_GT(found.entropy, 2);
        EXPECT_LT(found.entropy, 5.5);
        // Of logits whose deviation is more than 1: far above what rounding does.
        EXPECT_GT(memory, 0.08);
    }
}

// Their weights are the same, so that what is left is how positions turn queries and keys.
TEST_F(EngineComparisonTest, a_rotation_that_is_not_the_models_own_shows) {
    constexpr std::pair<const char*, const char*> pairs[] = {{"llama", "llama-3"},
                                                             {"llama", "llama-linear"},
                                                             {"llama-linear", "llama-yarn"},
                                                             {"phi3-short", "phi3-long"}};
    for (const auto& [own, other] : pairs) {
        const auto expected = open_reference(models_.random(own, "F32"), Precision::exact);
        const auto actual = open_reference(models_.random(other, "F32"), Precision::exact);
        const EngineComparison found = compare(*expected, *actual, random_texts());
        std::printf("%s, %s: %s\n", own, other, found.line().c_str());
        EXPECT_GT(found.divergence, 0.01) << own << " as " << other;
    }
}

TEST_F(EngineComparisonTest, copies_have_the_types_that_they_are_called_for) {
    for (const FileType& each : file_types()) {
        SCOPED_TRACE(each.name);
        EXPECT_EQ(matrix_types(models_.random("llama", each.name)), each.matrices);
        EXPECT_EQ(matrix_types(models_.random("phi3", each.name)), each.matrices_else);
        const auto floats = models_.copy(models_.random("llama", each.name), "F32");
        EXPECT_EQ(matrix_types(floats), "f32");
    }
}

}  // namespace
}  // namespace llm

#include "llama/test_model.h"
#include "llama/vocabulary.h"
#include "llm/sampling/grammar.h"
#include "llm/sampling/grammar_fixture.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>

namespace llm {
namespace {

const GrammarSpec schema = {
    .kind = GrammarKind::json_schema,
    .text = R"({"type":"object","properties":{"name":{"type":"string","maxLength":200},
                "place":{"type":"array","items":{"type":"number","minimum":-180,"maximum":180},
                "minItems":2,"maxItems":2}},
                "required":["name","place"],"additionalProperties":false})"};

// Replies of random tokens that the grammar allows, with a real vocabulary.
void check_vocabulary(const std::filesystem::path& gguf) {
    const auto model =
        llama::load_model(llama::test_library(), {.paths = {gguf}, .vocabulary_only = true},
                          [](double) { return true; });
    ASSERT_TRUE(model.has_value()) << model.error().message;
    const llama::Vocabulary vocabulary(*model);
    if (vocabulary.ends().empty()) return;
    const auto grammars = GrammarVocabulary::make(vocabulary);
    ASSERT_TRUE(grammars.has_value()) << grammars.error().message;
    int ended = 0;
    for (std::uint32_t seed = 0; seed < 4; ++seed) {
        auto constraint = (*grammars)->constrain(schema);
        ASSERT_TRUE(constraint.has_value()) << constraint.error().message;
        const std::optional<std::string> text = RandomWalk(vocabulary, seed).walk(**constraint);
        if (!text) continue;
        ++ended;
        const auto parsed = worker::parse_json(*text);
        ASSERT_TRUE(parsed.has_value()) << *text;
        EXPECT_EQ(parsed->at("place").as_array().size(), 2u);
    }
    EXPECT_GT(ended, 0);
}

TEST(GrammarVocabularyTest, replies_parse_with_the_tokens_of_real_models) {
    const std::optional<std::string> folder = llama::environment("RBEE_TEST_VOCABS");
    if (!folder) GTEST_SKIP() << "RBEE_TEST_VOCABS names no folder of ggml-vocab-*.gguf";
    for (const char* name : {"gpt-2", "llama-spm", "llama-bpe", "phi-3", "qwen2"}) {
        SCOPED_TRACE(name);
        const auto gguf =
            std::filesystem::path(*folder) / ("ggml-vocab-" + std::string(name) + ".gguf");
        ASSERT_TRUE(std::filesystem::exists(gguf));
        check_vocabulary(gguf);
    }
}

}  // namespace
}  // namespace llm

#include "llama/vocabulary.h"

#include "llama/test_model.h"
#include "tests/support/temporary_file.h"
#include "worker/model_file/gguf_writer.h"
#include "worker/model_file/vocabulary_check.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llama {
namespace {

using llm::LeadingToken;
using llm::SpecialTokens;
using llm::Token;

class VocabularyTest : public RealModelTest {
protected:
    std::vector<Token> tokenize(std::string_view text, SpecialTokens special) const {
        auto tokens = Vocabulary(model()).tokenize(text, special, LeadingToken::as_model_wants);
        EXPECT_TRUE(tokens.has_value());
        return tokens.value_or(std::vector<Token>{});
    }
};

TEST_F(VocabularyTest, pieces_join_to_the_text) {
    const Vocabulary vocabulary(model());
    for (const std::string text : {"Hello, world!", "naïve 😀 \n\n\t end", "1 + 1 = 2"}) {
        std::string joined;
        for (const Token token : tokenize(text, SpecialTokens::as_text)) {
            joined += vocabulary.piece(token);
        }
        EXPECT_EQ(joined, text);
    }
}

TEST_F(VocabularyTest, special_tokens_are_text_unless_asked_for) {
    const Vocabulary vocabulary(model());
    const std::string eos = vocabulary.eos_text();
    ASSERT_FALSE(eos.empty());

    const std::vector<Token> parsed = tokenize(eos, SpecialTokens::parsed);
    ASSERT_EQ(parsed.size(), 1u);
    EXPECT_TRUE(vocabulary.ends_generation(parsed[0]));
    EXPECT_EQ(vocabulary.piece(parsed[0]), "");
    EXPECT_EQ(vocabulary.spelling(parsed[0]), eos);
    EXPECT_EQ(std::ranges::count(vocabulary.ends(), parsed[0]), 1);

    const std::vector<Token> as_text = tokenize(eos, SpecialTokens::as_text);
    EXPECT_GT(as_text.size(), 1u);
    EXPECT_TRUE(std::none_of(as_text.begin(), as_text.end(),
                             [&](Token token) { return vocabulary.ends_generation(token); }));
}

TEST_F(VocabularyTest, takes_any_bytes) {
    for (const std::string& text : {std::string(), std::string("\xFF\xFE\xC3"),
                                    std::string(3, '\0'), std::string(100'000, 'a')}) {
        tokenize(text, SpecialTokens::as_text);
        tokenize(text, SpecialTokens::parsed);
    }
}

// A file of ten tokens that libllama puts no spaces before, and nothing else.
void write_pieces(const std::filesystem::path& path) {
    using Texts = std::vector<std::string>;
    using Numbers = std::vector<std::int32_t>;
    const std::vector<worker::GgufEntry> entries{
        {"general.architecture", std::string("llama")},
        {"tokenizer.ggml.model", std::string("llama")},
        {"tokenizer.ggml.tokens",
         Texts{"<unk>", "<s>", "</s>", "[INST]", "▁", "a", "▁a", "▁▁", "<0x0A>", "<0x20>"}},
        {"tokenizer.ggml.scores", std::vector<float>(10)},
        {"tokenizer.ggml.token_type", Numbers{2, 3, 3, 4, 1, 1, 1, 1, 6, 6}},
        {"tokenizer.ggml.add_space_prefix", false},
        {std::string(worker::leading_space_key), true}};
    const worker::GgufLayout layout = worker::lay_out_gguf(entries, {});
    std::ofstream(path, std::ios::binary)
        << layout.header << std::string(layout.file_bytes - layout.header.size(), '\0');
}

TEST(LeadingSpaceTest, comes_before_texts_that_begin_with_neither_space_nor_special_token) {
    const worker::TemporaryFile file("leading-space.gguf");
    write_pieces(file.path());
    const auto model = load_model(test_library(), {.paths = {file.path()}, .vocabulary_only = true},
                                  [](double) { return true; });
    ASSERT_TRUE(model.has_value()) << model.error().message;
    const Vocabulary vocabulary(*model);
    const auto check = [&](std::string_view text, SpecialTokens special,
                           const std::vector<Token>& expected) {
        EXPECT_EQ(vocabulary.tokenize(text, special, LeadingToken::none), expected) << text;
    };
    check("", SpecialTokens::parsed, {});
    check("a", SpecialTokens::parsed, {6});
    check(" a", SpecialTokens::parsed, {6});
    check("▁a", SpecialTokens::parsed, {6});
    check("  a", SpecialTokens::parsed, {7, 5});
    check("<s>a", SpecialTokens::parsed, {1, 5});
    check("<s>[INST] a", SpecialTokens::parsed, {1, 3, 6});
    check("a<s>a", SpecialTokens::parsed, {6, 1, 5});
    check("[INST]a", SpecialTokens::as_text, {3, 5});
}

std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The texts of an .inp file, each after the first behind a line of its own.
std::vector<std::string> read_texts(const std::filesystem::path& path) {
    const std::string mark = "\n__ggml_vocab_test__\n";
    const std::string content = read(path);
    std::vector<std::string> texts;
    for (std::size_t begin = 0; begin < content.size();) {
        const std::size_t end = std::min(content.find(mark, begin), content.size());
        texts.push_back(content.substr(begin, end - begin));
        begin = end + mark.size();
    }
    return texts;
}

// The lines of an .out file: a text's tokens each.
std::vector<std::vector<Token>> read_tokens(const std::filesystem::path& path) {
    std::vector<std::vector<Token>> tokens;
    std::istringstream lines(read(path));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream numbers(line);
        tokens.emplace_back(std::istream_iterator<Token>(numbers), std::istream_iterator<Token>());
    }
    return tokens;
}

// The fixtures are without the tokens that a model wants around a text.
std::vector<Token> surround(const llama_vocab* vocab, std::vector<Token> tokens) {
    if (llama_vocab_get_add_bos(vocab)) tokens.insert(tokens.begin(), llama_vocab_bos(vocab));
    if (llama_vocab_get_add_sep(vocab)) {
        tokens.push_back(llama_vocab_sep(vocab));
    } else if (llama_vocab_get_add_eos(vocab)) {
        tokens.push_back(llama_vocab_eos(vocab));
    }
    return tokens;
}

void check_fixtures(const std::filesystem::path& gguf) {
    const auto model = load_model(test_library(), {.paths = {gguf}, .vocabulary_only = true},
                                  [](double) { return true; });
    ASSERT_TRUE(model.has_value()) << model.error().message;
    const Vocabulary vocabulary(*model);
    const std::vector<std::string> texts = read_texts(gguf.string() + ".inp");
    const std::vector<std::vector<Token>> expected = read_tokens(gguf.string() + ".out");
    ASSERT_EQ(texts.size(), expected.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto actual =
            vocabulary.tokenize(texts[i], SpecialTokens::as_text, LeadingToken::as_model_wants);
        ASSERT_TRUE(actual.has_value());
        EXPECT_EQ(*actual, surround((*model)->vocabulary(), expected[i])) << texts[i];
    }
}

TEST(VocabularyFixtureTest, tokenises_as_the_reference_tokenisers_do) {
    const std::optional<std::string> folder = environment("RBEE_TEST_VOCABS");
    if (!folder) GTEST_SKIP() << "RBEE_TEST_VOCABS names no folder of ggml-vocab-*.gguf";
    std::size_t checked = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() != ".inp") continue;
        SCOPED_TRACE(entry.path().filename());
        check_fixtures(entry.path().parent_path() / entry.path().stem());
        ++checked;
    }
    EXPECT_GT(checked, 0u);
}

TEST(VocabularyFixtureTest, takes_hangul_apart_as_berts_tokenisers_do) {
    const std::optional<std::string> folder = environment("RBEE_TEST_VOCABS");
    if (!folder) GTEST_SKIP() << "RBEE_TEST_VOCABS names no folder of ggml-vocab-*.gguf";
    const auto tokens = [&](const std::string& vocabulary, std::string_view text) {
        const std::filesystem::path gguf = *folder + "/ggml-vocab-" + vocabulary + ".gguf";
        const auto model = load_model(test_library(), {.paths = {gguf}, .vocabulary_only = true},
                                      [](double) { return true; });
        EXPECT_TRUE(model.has_value());
        return *Vocabulary(*model).tokenize(text, SpecialTokens::as_text, LeadingToken::none);
    };
    for (const auto& [syllables, letters] :
         {std::pair("가힣", "\u1100\u1161\u1112\u1175\u11C2"),
          std::pair("a안녕b 하!", "a\u110B\u1161\u11AB\u1102\u1167\u11BCb \u1112\u1161!")}) {
        EXPECT_EQ(tokens("bert-bge", syllables), tokens("bert-bge", letters));
        EXPECT_NE(tokens("gpt-2", syllables), tokens("gpt-2", letters));
    }
    // Those before and behind the syllables, and what is no character.
    for (const std::string text : {"\uABFF\uD7A4", "\xEA\xB0", "\xED\xA0\x80"})
        EXPECT_LE(tokens("bert-bge", text).size(), 1u) << text;
}

}  // namespace
}  // namespace llama

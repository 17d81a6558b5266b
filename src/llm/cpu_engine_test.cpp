// Our own engine against libllama's: the same next-token distributions, for every family and file
// type; and against itself, bit for bit, however the work is cut.
#include "cpu/text_model.h"
#include "llama/random_models.h"
#include "llama/test_model.h"
#include "llama/vocabulary.h"
#include "llm/engine_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace llm {
namespace {

struct CpuShape {
    std::uint32_t threads = 1;
    std::uint32_t rows = 512;
    cpu::Isa isa = cpu::available().back();
};

std::unique_ptr<TextModel> open_cpu(const std::filesystem::path& file, const CpuShape& shape = {}) {
    static const std::atomic<bool> interrupted = false;
    auto loaded = cpu::TextModel::load(
        {.paths = {file},
         .context_max = fixture_context,
         .cells = fixture_context * fixture_sequences,
         .sequences_max = fixture_sequences,
         .rows_max = shape.rows,
         .threads = shape.threads,
         .isa = shape.isa},
        [](double) { return true; }, interrupted);
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message;
    return loaded ? std::move(*loaded) : nullptr;
}

// What a file's engine is held to.
struct Bounds {
    double divergence = 0;
    double perplexity = 0.003;  // apart from the reference's, as a share of it
    float lead = 0;             // of a choice in greedy text that may go either way
};
// Integers times integers: both engines round activations to 8 bits, each in its own blocks.
constexpr Bounds quantised{.divergence = 2e-3, .lead = 0.3F};
constexpr Bounds floats{.divergence = 1e-5, .lead = 1e-2F};

// Between instruction sets a sum's last bits differ, and with them some activation's integer.
constexpr Bounds rounding{.divergence = 5e-4, .lead = 0.1F};

class CpuEngineTest : public testing::Test {
protected:
    // Compares, prints a row of the table, and judges.
    static void check(const std::string& name, TextModel& reference, TextModel& actual,
                      std::span<const TokenText> texts, const Bounds& bounds) {
        SCOPED_TRACE(name);
        const EngineComparison found = compare(reference, actual, texts);
        EXPECT_LE(found.divergence, bounds.divergence);
        EXPECT_NEAR(found.perplexity_ratio, 1, bounds.perplexity);
        float lead = 0;
        for (std::size_t i = 0; i < 2; ++i) {
            const TokenText prompt(texts[i].begin(), texts[i].begin() + 40);
            const GreedyText expected = greedy(reference, prompt, 48);
            lead = std::max(lead, lead_where_they_part(expected, greedy(actual, prompt, 48)));
        }
        EXPECT_LE(lead, bounds.lead);
        std::printf("%-20s %s  %.4f\n", name.c_str(), found.line().c_str(), lead);
    }

    ModelFolder models_;
};

class EveryFileType : public CpuEngineTest, public testing::WithParamInterface<FileType> {};

TEST_P(EveryFileType, says_of_every_family_what_libllama_says) {
    const FileType& type = GetParam();
    std::printf("%-20s %s  parting lead\n", "", EngineComparison::heading().c_str());
    for (const std::string_view model : llama::random_models()) {
        const auto file = models_.random(model, type.name);
        const std::string_view all(type.matrices);
        const std::string most(all.substr(0, all.find(' ')));
        EXPECT_THAT(matrix_types(file), testing::HasSubstr(most));
        const auto actual = open_cpu(file);
        ASSERT_TRUE(actual);
        const auto reference = type.floats
                                   ? open_reference(models_.copy(file, "F32"), Precision::exact)
                                   : open_reference(file, Precision::usual);
        check(std::string(model) + " " + type.name, *reference, *actual, random_texts(),
              type.floats ? floats : quantised);
    }
}

INSTANTIATE_TEST_SUITE_P(, EveryFileType, testing::ValuesIn(file_types()),
                         [](const auto& param) { return std::string(param.param.name); });

// One of each kind of product, and of each kind of layer.
struct Mixed {
    const char* model;
    const char* file_type;
};
constexpr std::array mixed{
    Mixed{"llama-3", "Q4_K_M"}, Mixed{"qwen2", "F16"},    Mixed{"qwen3", "Q5_1"},
    Mixed{"phi3", "Q4_0"},      Mixed{"phi2", "Q8_0"},    Mixed{"mistral", "F32"},
    Mixed{"llama", "BF16"},     Mixed{"llama", "Q5_K_M"},
};

testing::AssertionResult same_bits(const std::vector<float>& actual,
                                   const std::vector<float>& expected) {
    if (actual.size() != expected.size())
        return testing::AssertionFailure() << actual.size() << " instead of " << expected.size();
    std::size_t different = 0;
    float most = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        if (std::bit_cast<std::uint32_t>(actual[i]) == std::bit_cast<std::uint32_t>(expected[i]))
            continue;
        ++different;
        most = std::max(most, std::abs(actual[i] - expected[i]));
    }
    if (different == 0) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << different << " logits of " << actual.size() << " differ, by up to " << most;
}

class HoweverItIsCut : public CpuEngineTest, public testing::WithParamInterface<Mixed> {
protected:
    void SetUp() override { file_ = models_.random(GetParam().model, GetParam().file_type); }

    // Longer than a page and, the last one, than a span.
    static std::vector<TokenText> texts() {
        std::vector<TokenText> all;
        for (std::uint64_t i = 0; i < fixture_sequences; ++i)
            all.push_back(random_text(i + 1, 8 + 2 * i, llama::random_model_tokens));
        return all;
    }
    static TokenText long_text() { return random_text(7, 300, llama::random_model_tokens); }

    std::filesystem::path file_;
};

TEST_P(HoweverItIsCut, a_row_alone_is_the_same_bits_as_in_a_batch_of_32) {
    const auto model = open_cpu(file_);
    ASSERT_TRUE(model);
    const std::vector<std::vector<float>> together = logits_together(*model, texts());
    for (std::size_t i = 0; i < fixture_sequences; ++i)
        EXPECT_TRUE(same_bits(together[i], logits_of(*model, texts()[i], 1))) << "text " << i;
}

TEST_P(HoweverItIsCut, any_number_of_threads_computes_the_same_bits) {
    const auto one = open_cpu(file_);
    ASSERT_TRUE(one);
    const std::vector<std::vector<float>> expected = logits_together(*one, texts());
    const std::vector<float> expected_long = logits_of(*one, long_text(), 64);
    for (const std::uint32_t threads : {2u, 3u}) {
        const auto several = open_cpu(file_, {.threads = threads});
        ASSERT_TRUE(several);
        const std::vector<std::vector<float>> actual = logits_together(*several, texts());
        for (std::size_t i = 0; i < fixture_sequences; ++i)
            EXPECT_TRUE(same_bits(actual[i], expected[i])) << threads << " threads, text " << i;
        EXPECT_TRUE(same_bits(logits_of(*several, long_text(), 64), expected_long)) << threads;
    }
}

TEST_P(HoweverItIsCut, a_prompt_in_chunks_is_the_same_bits_as_in_one_run) {
    const auto model = open_cpu(file_);
    ASSERT_TRUE(model);
    const std::vector<float> whole = logits_of(*model, long_text(), 300);
    for (const std::uint32_t chunk : {1u, 7u, 32u, 256u}) {
        const std::vector<float> parts = logits_of(*model, long_text(), chunk);
        const std::vector<float> last(parts.end() - llama::random_model_tokens, parts.end());
        EXPECT_TRUE(same_bits(last, whole)) << "chunks of " << chunk;
    }
}

TEST_P(HoweverItIsCut, a_text_goes_on_the_same_wherever_its_beginning_came_from) {
    const auto model = open_cpu(file_);
    ASSERT_TRUE(model);
    const TokenText text = long_text();
    const std::vector<float> expected = logits_of(*model, text, 300);
    const auto run = [&](SequenceId sequence, std::uint32_t from, std::uint32_t to) {
        const llm::Run one = {sequence, from, std::span(text).subspan(from, to - from), true};
        const auto logits = model->forward({&one, 1});
        return std::vector<float>(logits->values.begin(), logits->values.end());
    };
    constexpr SequenceId first{0};
    constexpr SequenceId second{1};
    constexpr SequenceId third{2};
    run(first, 0, 300);
    ASSERT_TRUE(model->share_prefix(first, second, 277));
    EXPECT_TRUE(same_bits(run(second, 277, 300), expected)) << "shared";
    ASSERT_TRUE(model->truncate(second, 41));
    EXPECT_TRUE(same_bits(run(second, 41, 300), expected)) << "truncated";
    const std::vector<std::byte> saved = model->save(first, 0);
    ASSERT_TRUE(model->restore(third, 0, saved));
    ASSERT_TRUE(model->truncate(third, 299));
    EXPECT_TRUE(same_bits(run(third, 299, 300), expected)) << "restored";
}

INSTANTIATE_TEST_SUITE_P(, HoweverItIsCut, testing::ValuesIn(mixed), [](const auto& param) {
    std::string name = std::string(param.param.model) + "_" + param.param.file_type;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST_F(CpuEngineTest, every_instruction_set_says_the_same) {
    for (const cpu::Isa isa : cpu::available()) {
        for (const auto& [model, file_type] : mixed) {
            const auto file = models_.random(model, file_type);
            const auto reference = open_cpu(file);
            const auto actual = open_cpu(file, {.isa = isa});
            ASSERT_TRUE(reference && actual);
            std::vector<TokenText> texts = random_texts();
            for (TokenText& text : texts) text.resize(80);
            check(std::string(cpu::name(isa)) + " " + model + " " + file_type, *reference, *actual,
                  texts, rounding);
        }
    }
}

// libllama does not look at the windows of these families, so there is nothing to compare with.
TEST_F(CpuEngineTest, a_window_hides_the_tokens_before_it_and_no_other) {
    const auto model = open_cpu(models_.random("window-1", "F32"));
    ASSERT_TRUE(model);
    const auto last_logits = [&](std::size_t changed, std::uint32_t chunk) {
        TokenText text = random_text(3, 200, llama::random_model_tokens);
        text[changed] = (text[changed] + 1) % static_cast<Token>(llama::random_model_tokens);
        const std::vector<float> all = logits_of(*model, text, chunk);
        return std::vector<float>(all.end() - llama::random_model_tokens, all.end());
    };
    constexpr std::size_t first_seen = 200 - llama::narrow_window;
    for (const std::uint32_t chunk : {1u, 200u}) {
        const std::vector<float> expected = last_logits(0, chunk);
        EXPECT_TRUE(same_bits(last_logits(first_seen - 1, chunk), expected));
        EXPECT_FALSE(same_bits(last_logits(first_seen, chunk), expected));
    }
}

// Our own documents, as the model that RBEE_TEST_MODEL names reads them.
class CpuEngineOnRealTextTest : public CpuEngineTest {
protected:
    void SetUp() override {
        const std::optional<std::string> named = llama::environment("RBEE_TEST_MODEL");
        if (!named) GTEST_SKIP() << "RBEE_TEST_MODEL names no GGUF file";
        file_ = *named;
        auto loaded =
            llama::load_model(llama::test_library(), {.paths = {file_}, .vocabulary_only = true},
                              [](double) { return true; });
        ASSERT_TRUE(loaded.has_value());
        std::ifstream document(RBEE_DOCUMENT);
        const std::string text{std::istreambuf_iterator<char>(document), {}};
        const auto tokens =
            llama::Vocabulary(*loaded).tokenize(text, SpecialTokens::as_text, LeadingToken::none);
        ASSERT_TRUE(tokens.has_value());
        ASSERT_GT(tokens->size(), 6 * length);
        for (std::size_t i = 0; i < 6; ++i) {
            const auto begin = tokens->begin() + static_cast<std::ptrdiff_t>(i * length);
            texts_.emplace_back(begin, begin + length);
        }
    }

    static constexpr std::size_t length = 352;  // tokens; a span of attention and more
    std::filesystem::path file_;
    std::vector<TokenText> texts_;
};

// Activations of this model have outliers, so that rounding them to 8 bits shows: either engine is
// about this far from the other as from exact arithmetic.
TEST_F(CpuEngineOnRealTextTest, says_what_libllama_says) {
    const auto reference = open_reference(file_, Precision::usual, 8);
    const auto actual = open_cpu(file_);
    ASSERT_TRUE(actual);
    check("as it is", *reference, *actual, texts_,
          {.divergence = 6e-3, .perplexity = 0.006, .lead = 0.3F});
}

TEST_F(CpuEngineOnRealTextTest, is_no_further_from_exact_arithmetic_than_libllama) {
    for (TokenText& text : texts_) text.resize(64);
    const auto floats_file = models_.copy(file_, "F32");
    const auto exact = open_reference(floats_file, Precision::exact, 8);
    const auto theirs = open_reference(file_, Precision::usual, 8);
    const EngineComparison libllama = compare(*exact, *theirs, texts_);
    std::printf("%-20s %s\n", "libllama", libllama.line().c_str());
    const auto ours = open_cpu(file_);
    ASSERT_TRUE(ours);
    check("ours", *exact, *ours, texts_,
          {.divergence = 1.15 * libllama.divergence, .perplexity = 0.02, .lead = 0.3F});
    const auto ours_in_floats = open_cpu(floats_file);
    ASSERT_TRUE(ours_in_floats);
    check("ours in floats", *exact, *ours_in_floats, texts_, floats);
}

TEST_F(CpuEngineOnRealTextTest, computes_the_same_bits_with_any_number_of_threads) {
    const TokenText text(texts_[0].begin(), texts_[0].begin() + 100);
    const auto one = open_cpu(file_);
    ASSERT_TRUE(one);
    const std::vector<float> expected = logits_of(*one, text, 1);
    for (const std::uint32_t threads : {2u, 3u}) {
        const auto several = open_cpu(file_, {.threads = threads});
        ASSERT_TRUE(several);
        EXPECT_TRUE(same_bits(logits_of(*several, text, 1), expected)) << threads << " threads";
    }
}

}  // namespace
}  // namespace llm

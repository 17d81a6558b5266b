#include "llama/embedding_model.h"

#include "llama/library.h"
#include "llama/tiny_models.h"
#include "tests/support/temporary_file.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace llama {
namespace {

using Tokens = std::vector<llm::Token>;
using Write = void (*)(const std::filesystem::path&, unsigned pooling);

constexpr unsigned mean = 1;
constexpr unsigned cls = 2;
constexpr unsigned last = 3;

// A text of few tokens, others than those of its neighbours.
Tokens text(int number, std::size_t length) {
    Tokens tokens;
    for (std::size_t i = 0; i < length; ++i)
        tokens.push_back(
            static_cast<llm::Token>((number * 31 + static_cast<int>(i % 5) * 7) % 256));
    return tokens;
}

class EmbeddingModelTest : public testing::Test {
protected:
    void load(Write write, unsigned pooling) {
        const worker::TemporaryFile file("embedding_model.gguf");
        write(file.path(), pooling);
        auto loaded = load_model(library_, {.paths = {file.path()}, .use = ModelUse::embeddings},
                                 [](double) { return true; });
        ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
        weights_ = std::move(*loaded);
    }

    Result<std::unique_ptr<EmbeddingModel>> make() {
        return EmbeddingModel::create(library_, weights_,
                                      {.context_max = 100, .rows_max = 300, .texts_max = 8},
                                      interrupted_);
    }

    static std::vector<std::vector<float>> embed(EmbeddingModel& model,
                                                 const std::vector<Tokens>& texts) {
        const std::vector<embedding::Text> views(texts.begin(), texts.end());
        const auto vectors = model.embed(views);
        EXPECT_TRUE(vectors.has_value()) << vectors.error().message;
        std::vector<std::vector<float>> rows;
        for (std::size_t i = 0; vectors && i < texts.size(); ++i)
            rows.emplace_back(vectors->row(i).begin(), vectors->row(i).end());
        return rows;
    }

    static void check_refused(EmbeddingModel& model, const std::vector<Tokens>& texts,
                              const std::string& words) {
        const std::vector<embedding::Text> views(texts.begin(), texts.end());
        const auto vectors = model.embed(views);
        ASSERT_FALSE(vectors.has_value()) << words;
        EXPECT_EQ(vectors.error().code, worker::ErrorCode::invalid_request);
        EXPECT_NE(vectors.error().message.find(words), std::string::npos)
            << vectors.error().message;
    }

    std::atomic<bool> interrupted_ = false;
    Library library_{nullptr};
    std::shared_ptr<const Model> weights_;
};

double dot(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
    return sum;
}

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
        ASSERT_NEAR(actual[i], expected[i], 1e-3) << "number " << i;
}

struct Kind {
    const char* name;
    Write write;
    unsigned pooling;
};
void PrintTo(const Kind& kind, std::ostream* out) {
    *out << kind.name;
}

class EachKind : public EmbeddingModelTest, public testing::WithParamInterface<Kind> {
protected:
    void SetUp() override { load(GetParam().write, GetParam().pooling); }
};

INSTANTIATE_TEST_SUITE_P(EmbeddingModel, EachKind,
                         testing::Values(Kind{"encoder_mean", write_encoder_model, mean},
                                         Kind{"encoder_cls", write_encoder_model, cls},
                                         Kind{"decoder_last", write_pooling_decoder, last},
                                         Kind{"decoder_mean", write_pooling_decoder, mean}),
                         [](const auto& kind) { return std::string(kind.param.name); });

TEST_P(EachKind, says_what_it_can) {
    const auto made = make();
    ASSERT_TRUE(made.has_value()) << made.error().message;
    const embedding::Capabilities& can = (*made)->capabilities();
    EXPECT_EQ(can.vocabulary_size, 256u);
    EXPECT_EQ(can.dimensions, 64u);
    EXPECT_EQ(can.context_max, 100u);
    EXPECT_EQ(can.rows_max, 300u);
    EXPECT_EQ(can.texts_max, 8u);
    ASSERT_TRUE((*made)->warm_up(300).has_value());
    EXPECT_GT((*made)->host_bytes(), weights_->buffers().host);
    EXPECT_EQ((*made)->device_bytes(), 0u);
}

TEST_P(EachKind, each_text_has_its_vector_whoever_its_neighbours_are) {
    const auto model = *make();
    const std::vector<Tokens> texts{text(1, 30), text(2, 100), text(3, 1),  text(4, 57),
                                    text(5, 3),  text(6, 8),   text(7, 64), text(8, 37)};
    const auto together = embed(*model, texts);
    ASSERT_EQ(together.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_NEAR(dot(together[i], together[i]), 1, 1e-5);
        expect_near(together[i], embed(*model, {texts[i]})[0]);
        // Else any order of the vectors would do.
        for (std::size_t j = 0; j < i; ++j) EXPECT_LT(dot(together[i], together[j]), 0.98);
    }
    expect_near(embed(*model, {texts[3], texts[0]})[1], together[0]);
}

TEST_P(EachKind, what_does_not_fit_is_refused_and_leaves_nothing_behind) {
    const auto model = *make();
    const auto before = embed(*model, {text(1, 30)});
    check_refused(*model, {text(1, 101)}, "101 tokens in a text, and the model reads 100");
    check_refused(*model, {text(1, 100), text(2, 100), text(3, 100), text(4, 1)},
                  "301 tokens, and at once the model takes 300");
    check_refused(*model, std::vector<Tokens>(9, text(1, 2)),
                  "9 texts, and at once the model takes 8");
    check_refused(*model, {text(1, 2), {}}, "a text has no tokens");
    EXPECT_TRUE(embed(*model, {}).empty());
    expect_near(embed(*model, {text(1, 30)})[0], before[0]);
}

TEST_P(EachKind, ends_soon_when_it_is_interrupted) {
    const auto model = *make();
    interrupted_ = true;
    const Tokens tokens = text(1, 30);
    const embedding::Text texts[] = {tokens};
    const auto vectors = model->embed(texts);
    ASSERT_FALSE(vectors.has_value());
    EXPECT_EQ(vectors.error().code, worker::ErrorCode::cancelled);
    const auto warm = model->warm_up(10);
    ASSERT_FALSE(warm.has_value());
    EXPECT_EQ(warm.error().code, worker::ErrorCode::cancelled);
    interrupted_ = false;
    EXPECT_EQ(embed(*model, {tokens}).size(), 1u);
}

TEST_F(EmbeddingModelTest, the_whole_text_counts_and_its_order) {
    load(write_encoder_model, mean);
    const auto model = *make();
    Tokens changed = text(1, 40);
    changed.back() = 255;
    Tokens turned = text(1, 40);
    std::swap(turned[10], turned[21]);
    const auto vectors = embed(*model, {text(1, 40), changed, turned});
    EXPECT_LT(dot(vectors[0], vectors[1]), 0.9999);
    EXPECT_LT(dot(vectors[0], vectors[2]), 0.9999);
}

TEST_F(EmbeddingModelTest, refuses_a_model_that_gives_no_vector_for_a_text) {
    const auto check = [&](Write write, unsigned pooling, const std::string& words) {
        load(write, pooling);
        const auto made = make();
        ASSERT_FALSE(made.has_value()) << words;
        EXPECT_EQ(made.error().code, worker::ErrorCode::model_unsupported);
        EXPECT_NE(made.error().message.find(words), std::string::npos) << made.error().message;
    };
    check(write_encoder_model, 0, "does not say how a text becomes one vector");
    check(write_pooling_decoder, 0, "does not say how a text becomes one vector");
    check(write_encoder_model, 4, "ranks texts");
}

}  // namespace
}  // namespace llama

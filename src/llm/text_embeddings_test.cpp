// A text worker whose model makes vectors too.
#include "llm/api/native_fixture.h"
#include "tests/support/gate.h"
#include "tests/support/http_client.h"
#include "tests/support/toy_embedding_model.h"
#include "tests/support/toy_worker.h"
#include "worker/base/json.h"

#include <boost/json/value_to.hpp>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llm {
namespace {

class TextEmbeddingsTest : public testing::Test {
protected:
    ~TextEmbeddingsTest() override { load_gate.open(); }

    // Finds a toy that reads texts of 8 tokens.
    embedding::ModelLoader find() {
        return [this](const worker::LoadObserver&,
                      const std::atomic<bool>&) -> Result<embedding::LoadedModel> {
            load_gate.pass();
            return embedding::LoadedModel{
                .vocabulary = std::make_shared<ToyVocabulary>(),
                .model = std::make_unique<embedding::ToyEmbeddingModel>(embedding::Capabilities{
                    .vocabulary_size = 30, .context_max = 8, .rows_max = 16, .texts_max = 4}),
                .step_rows = 16};
        };
    }

    worker::HttpReply post(const std::string& path, const std::string& body) {
        worker::HttpClient client(toy.port());
        client.send(llm::post(body, "", path));
        return client.read_reply();
    }

    // Holds the second engine back.
    struct ClosedGate : worker::Gate {
        ClosedGate() { close(); }
    } load_gate;
    ToyWorker toy{[](auto&) {}, [this] { return find(); }};
};

TEST_F(TextEmbeddingsTest, texts_and_vectors_come_from_one_worker) {
    load_gate.open();
    toy.wait_until_ready();
    const auto reply = post("/v1/embeddings", R"({"model":"toy","input":["cd","ef"]})");
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto body = worker::parse_json(reply.body);
    ASSERT_TRUE(body);
    const auto& data = body->at("data").as_array();
    ASSERT_EQ(data.size(), 2u);
    const std::vector<std::vector<Token>> texts{{2, 3}, {4, 5}};
    for (std::size_t i = 0; i < texts.size(); ++i)
        EXPECT_EQ(boost::json::value_to<std::vector<float>>(data[i].at("embedding")),
                  embedding::ToyEmbeddingModel::vector_of(texts[i]));
    EXPECT_EQ(post("/v1/embeddings", R"({"model":"toy","input":"abcdefghi"})").status, 400);

    const auto text = post("/v1/completions", R"({"model":"toy","prompt":"abc","max_tokens":3})");
    EXPECT_NE(text.body.find("\"def\""), std::string::npos) << text.body;
}

TEST_F(TextEmbeddingsTest, it_is_ready_when_both_are) {
    const auto early = post("/v1/embeddings", R"({"model":"toy","input":"cd"})");
    EXPECT_EQ(early.status, 503) << early.body;
    EXPECT_EQ(worker::http_get(toy.port(), "/readyz").status, 503);
    load_gate.open();
    toy.wait_until_ready();
    EXPECT_EQ(post("/v1/embeddings", R"({"model":"toy","input":"cd"})").status, 200);
}

}  // namespace
}  // namespace llm

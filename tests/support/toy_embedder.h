#pragma once

#include "embedding/api/embedding_routes.h"
#include "embedding/batching/embedding_job.h"
#include "llm/model/vocabulary.h"
#include "tests/support/gate.h"
#include "tests/support/http_client.h"
#include "tests/support/toy_model.h"
#include "worker/app/daemon.h"
#include "worker/engine/backend.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace embedding {

// The toy's letters, which an embedding model wants between two tokens of its own.
class BracketedVocabulary final : public llm::Vocabulary {
public:
    static constexpr llm::Token begin = llm::ToyVocabulary::control;
    static constexpr llm::Token end = llm::ToyVocabulary::end;

    std::uint32_t size() const override { return letters_.size(); }
    Result<std::vector<llm::Token>> tokenize(std::string_view text, llm::SpecialTokens special,
                                             llm::LeadingToken leading) const override {
        auto tokens = letters_.tokenize(text, special, leading);
        if (tokens && leading == llm::LeadingToken::as_model_wants) {
            tokens->insert(tokens->begin(), begin);
            tokens->push_back(end);
        }
        return tokens;
    }
    std::string_view piece(llm::Token token) const override { return letters_.piece(token); }
    std::string_view spelling(llm::Token token) const override { return letters_.spelling(token); }
    bool ends_generation(llm::Token token) const override {
        return letters_.ends_generation(token);
    }
    std::span<const llm::Token> ends() const override { return letters_.ends(); }
    std::optional<llm::FillInMiddle> fill_in_middle() const override { return std::nullopt; }

private:
    llm::ToyVocabulary letters_;
};

// Vectors of four numbers by the sum of a text's tokens: 0.6 and 0.8, at two of the four places.
// An input of each job a step.
class ToyEmbedder final : public worker::InferenceBackend<EmbedJob, EmbeddingOutput> {
public:
    static constexpr std::uint32_t dimensions = 4;
    static constexpr std::uint32_t slots = 2;

    worker::Gate gate;  // each step passes it

    static std::vector<float> vector_of(const std::vector<llm::Token>& tokens) {
        std::size_t sum = 0;
        for (const llm::Token token : tokens) sum += static_cast<std::size_t>(token);
        std::vector<float> vector(dimensions, 0.0f);
        vector[sum % dimensions] = 0.6f;
        vector[(sum + 1) % dimensions] = 0.8f;
        return vector;
    }

    Result<void> load(const worker::LoadObserver&) override { return {}; }

    Result<std::optional<worker::Started>> start(worker::JobId id, EmbedJob& job) override {
        if (running_.size() == slots) return std::optional<worker::Started>{};
        running_.emplace(id, Running{std::move(job), 0});
        return worker::Started{0};
    }

    void cancel(worker::JobId id) override { running_.erase(id); }

    Result<void> step(worker::Reports<EmbeddingOutput>& reports) override {
        gate.pass();
        for (auto at = running_.begin(); at != running_.end();) {
            auto& [id, running] = *at;
            const auto& inputs = running.job.inputs;
            reports.push_back(
                {id, EmbeddingOutput{{{running.done, vector_of(inputs[running.done])}}}});
            if (++running.done < inputs.size()) {
                ++at;
                continue;
            }
            reports.push_back(
                {id, worker::Ended{.tokens_in = running.job.tokens(), .tokens_out = running.done}});
            at = running_.erase(at);
        }
        return {};
    }

    worker::BackendStatus status() const override {
        return {.slots_total = slots, .slots_busy = static_cast<std::uint32_t>(running_.size())};
    }

    void interrupt() override {}

private:
    struct Running {
        EmbedJob job;
        std::uint32_t done;  // inputs
    };

    std::map<worker::JobId, Running> running_;
};

// A whole worker for embeddings in this process, on a free port, over the toy: two slots, a queue
// of four, a context of 16 tokens. `dimensions`: that requests see.
class ToyEmbeddingWorker {
public:
    explicit ToyEmbeddingWorker(std::uint32_t dimensions = ToyEmbedder::dimensions)
        : dimensions_(dimensions), config_(config()) {
        const Result<void> opened = daemon_.open(
            engine_,
            [this](worker::Router& router) {
                add_embedding_routes(router, service_,
                                     {.model = {.names = {"toy", "toy.gguf", "default"}}});
            },
            [this] { return ready(); });
        if (!opened) throw std::runtime_error(opened.error().message);
        thread_ = std::thread([this] { daemon_.run(); });
        while (worker::http_get(port(), "/readyz").status != 200) std::this_thread::yield();
    }

    ~ToyEmbeddingWorker() {
        gate().open();
        shut_down();
        thread_.join();
    }
    ToyEmbeddingWorker(const ToyEmbeddingWorker&) = delete;
    ToyEmbeddingWorker& operator=(const ToyEmbeddingWorker&) = delete;

    std::uint16_t port() const { return daemon_.port(); }
    void shut_down() { daemon_.shut_down(); }

    // Closed, it holds the model back before its next step.
    worker::Gate& gate() { return embedder_.gate; }

private:
    static worker::Config config() {
        worker::Config config;
        config.host = "127.0.0.1";
        config.port = 0;
        config.model_ref = "toy";
        config.drain_timeout = std::chrono::seconds(60);
        return config;
    }

    worker::ServedModel ready() {
        service_.model = {.vocabulary = std::make_shared<BracketedVocabulary>(),
                          .context_max = 16,
                          .dimensions = dimensions_,
                          .card = {.architecture = "toy", .engine = "toy"},
                          .loaded_at = 1};
        return {};
    }

    static worker::Environment nobody_to_notify() {
        return {.variable = [](const std::string&) { return std::nullopt; }};
    }

    const std::uint32_t dimensions_;
    const worker::Config config_;
    worker::SystemClock clock_;
    worker::Log log_{worker::LogFormat::text, worker::LogLevel::off};
    worker::Narrator narrator_{log_, clock_, "toy-embedder"};
    const worker::ServiceNotifier notifier_{nobody_to_notify()};
    worker::Daemon daemon_{{.config = config_,
                            .log = log_,
                            .clock = clock_,
                            .narrator = narrator_,
                            .notifier = notifier_,
                            .program = "toy-embedder",
                            .version = "1"}};
    ToyEmbedder embedder_;
    worker::EngineHost<EmbedJob, EmbeddingOutput> engine_{
        {daemon_.io().get_executor(), embedder_, daemon_.board(), clock_, daemon_.metrics(),
         narrator_},
        {.queue_max = 4},
        ToyEmbedder::slots};
    worker::CodecThread codec_{daemon_.io().get_executor(), 8};
    EmbeddingService service_{{.scheduler = engine_.scheduler(),
                               .jobs = engine_.jobs(),
                               .codec = codec_,
                               .board = daemon_.board(),
                               .clock = clock_,
                               .log = log_,
                               .model_ref = config_.model_ref,
                               .request_timeout = config_.request_timeout,
                               .log_content = config_.log_content}};
    std::thread thread_;
};

}  // namespace embedding

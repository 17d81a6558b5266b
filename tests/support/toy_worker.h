#pragma once

#include "llm/text_worker.h"
#include "tests/support/http_client.h"
#include "tests/support/toy_model.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace llm {

// A whole text worker in this process, on a free port, whose model recites the alphabet: "abc" is
// continued by "defg…", and so are the joined messages of a chat. Two slots, a queue of four, a
// context of 64 tokens.
class ToyWorker {
public:
    explicit ToyWorker(
        const std::function<void(worker::Config&)>& change = [](auto&) {},
        TextEmbeddings::FindLoader find_embeddings = {})
        : config_(config(change)),
          find_embeddings_(std::move(find_embeddings)),
          worker_(bind()),
          thread_([this] { worker_->run(); }) {}

    ~ToyWorker() {
        gate_.open();
        worker_->shut_down();
        thread_.join();
    }
    ToyWorker(const ToyWorker&) = delete;
    ToyWorker& operator=(const ToyWorker&) = delete;

    std::uint16_t port() const { return worker_->port(); }

    void wait_until_ready() const {
        while (worker::http_get(port(), "/readyz").status != 200) std::this_thread::yield();
    }

    // Closed, it holds the model back before its next step.
    worker::Gate& gate() { return gate_; }

private:
    static worker::Config config(const std::function<void(worker::Config&)>& change) {
        worker::Config config;
        config.host = "127.0.0.1";
        config.port = 0;
        config.model_ref = "toy";
        config.parallel = 2;
        config.max_queue = 4;
        change(config);
        return config;
    }

    static worker::Environment nobody_to_notify() {
        return {.variable = [](const std::string&) { return std::nullopt; }};
    }

    std::unique_ptr<TextWorker> bind() {
        auto worker = TextWorker::bind(
            {},
            {.daemon = {.config = config_,
                        .log = log_,
                        .clock = clock_,
                        .narrator = narrator_,
                        .notifier = notifier_,
                        .program = "llm-worker-rbee",
                        .version = "1.2.3"},
             .loader = [this](const worker::LoadObserver&,
                              const std::atomic<bool>&) -> Result<LoadedModel> { return load(); },
             .served_model = [] { return worker::ServedModel{}; },
             .find_embeddings = find_embeddings_});
        if (!worker) throw std::runtime_error(worker.error().message);
        return std::move(*worker);
    }

    LoadedModel load() {
        auto model = std::make_unique<ToyModel>(Capabilities{.context_max = 64,
                                                             .sequences_max = 2,
                                                             .cells = 128,
                                                             .rows_max = 16,
                                                             .output_rows_max = 2});
        model->next = [](std::span<const Token> tokens) { return (tokens.back() + 1) % 26; };
        model->gate = &gate_;
        return {.vocabulary = std::make_shared<ToyVocabulary>(),
                .model = std::move(model),
                .card = {.digest = "0123456789abcdef",
                         .engine = "toy",
                         .recommended = {.top_k = 1},
                         .chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"}};
    }

    const worker::Config config_;
    const TextEmbeddings::FindLoader find_embeddings_;
    worker::Gate gate_;
    worker::SystemClock clock_;
    worker::Log log_{worker::LogFormat::text, worker::LogLevel::off};
    worker::Narrator narrator_{log_, clock_, "llm-worker-rbee"};
    const worker::ServiceNotifier notifier_{nobody_to_notify()};
    std::unique_ptr<TextWorker> worker_;
    std::thread thread_;
};

}  // namespace llm

#pragma once

#include "embedding/api/embedding_service.h"
#include "embedding/batching/embedding_backend.h"
#include "worker/app/daemon.h"
#include "worker/http/router.h"
#include "worker/openai/model_names.h"
#include "worker/scheduler/codec_thread.h"
#include "worker/scheduler/engine_host.h"
#include "worker/scheduler/status_board.h"

#include <functional>

namespace llm {

// The vectors that a language model makes beside its texts, where its file says how: an engine of
// its own, on a board of its own. Where it makes none, the route says so. Thread: io.
class TextEmbeddings {
public:
    // Asked once, when the text model is loaded; empty where it makes no vectors.
    using FindLoader = std::function<embedding::ModelLoader()>;

    struct Parts {
        const worker::Daemon::Parts& parts;
        worker::Daemon& daemon;
        worker::CodecThread& codec;
        FindLoader find_loader;  // may be empty itself: no vectors
    };

    // Requires: what `parts` refer to outlives it.
    explicit TextEmbeddings(const Parts& parts);

    // POST /v1/embeddings
    void add_routes(worker::Router& router, const worker::ModelNames& names);

    worker::EngineControl& engine() { return engine_; }
    // Whether the engine has something to load. Requires: the text model is loaded.
    bool wanted();
    // Called when all is loaded, before anything is admitted.
    void ready();

private:
    const FindLoader find_loader_;
    embedding::ModelLoader loader_;  // what `find_loader_` found
    worker::StatusBoard board_;
    embedding::EmbeddingBackend backend_;
    worker::EngineHost<embedding::EmbedJob, embedding::EmbeddingOutput> engine_;
    embedding::EmbeddingService service_;
};

}  // namespace llm

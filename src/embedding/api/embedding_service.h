#pragma once

#include "embedding/batching/embedding_job.h"
#include "llm/model/model_card.h"
#include "llm/model/vocabulary.h"
#include "worker/http/job_service.h"

#include <cstdint>
#include <memory>

namespace embedding {

using worker::Result;

// The model as requests see it. Immutable; set once the model is loaded.
struct EmbeddingModelView {
    std::shared_ptr<const llm::Vocabulary> vocabulary = {};
    std::uint32_t context_max = 0;  // tokens in one input
    std::uint32_t dimensions = 0;   // numbers in a vector; 0: the model makes none
    llm::ModelCard card = {};
    std::int64_t loaded_at = 0;  // seconds since 1970
};

// What every route that makes embeddings needs. Outlives the server. Thread: io.
struct EmbeddingService : worker::JobService<EmbedJob, EmbeddingOutput> {
    EmbeddingModelView model = {};
};

// In one request. Source: OpenAI, API reference, "Create embeddings", input.
inline constexpr std::size_t inputs_max = 2048;

}  // namespace embedding

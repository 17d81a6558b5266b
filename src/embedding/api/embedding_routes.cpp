#include "embedding/api/embedding_routes.h"

#include "embedding/api/openai_embeddings.h"
#include "llm/api/tokens/tokenizer_routes.h"
#include "worker/contract/json_object.h"
#include "worker/openai/model_routes.h"

namespace embedding {
namespace {

worker::JsonObject meta_json(const EmbeddingModelView& model) {
    const llm::ModelCard& card = model.card;
    return worker::JsonObject()
        .add("architecture", card.architecture)
        .add("n_params", card.parameters)
        .add("size_bytes", card.size_bytes)
        .add("quantization", card.quantization)
        .add("context_length", model.context_max)
        .add("context_length_trained", card.context_length)
        .add("vocab_size", card.vocabulary_size)
        .add("digest", card.digest)
        .add("engine", card.engine)
        .add("dimensions", model.dimensions);
}

worker::ListedModel listed(const EmbeddingService& service) {
    worker::ListedModel listed{.id = service.model_ref,
                               .created = service.model.loaded_at,
                               .owned_by = "embedding-worker-rbee"};
    if (service.model.vocabulary) listed.meta = meta_json(service.model);
    return listed;
}

}  // namespace

void add_embedding_routes(worker::Router& router, EmbeddingService& service,
                          const EmbeddingRouteSettings& settings) {
    add_native_routes(router, service, settings.native);
    add_openai_embeddings(router, service, settings.model);
    worker::add_model_routes(router, settings.model, [&service] { return listed(service); });
    llm::add_tokenizer_routes(router, {.codec = service.codec, .vocabulary = [&service] {
                                           return service.model.vocabulary;
                                       }});
}

}  // namespace embedding

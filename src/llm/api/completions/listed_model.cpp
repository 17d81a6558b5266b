#include "llm/api/completions/listed_model.h"

#include "worker/contract/json_object.h"

namespace llm {

using worker::JsonObject;

namespace {

JsonObject recommended_json(const SamplingDefaults& recommended) {
    return JsonObject()
        .add("temperature", recommended.temperature)
        .add("top_p", recommended.top_p)
        .add("top_k", recommended.top_k)
        .add("min_p", recommended.min_p)
        .add("repetition_penalty", recommended.repetition_penalty);
}

JsonObject meta_json(const TextModelView& model) {
    const ModelCard& card = model.card;
    return JsonObject()
        .add("architecture", card.architecture)
        .add("n_params", card.parameters)
        .add("size_bytes", card.size_bytes)
        .add("quantization", card.quantization)
        .add("context_length", model.context_max)
        .add("context_length_trained", card.context_length)
        .add("vocab_size", card.vocabulary_size)
        .add("digest", card.digest)
        .add("engine", card.engine)
        .add("chat_template", model.chat != nullptr)
        .add("recommended", recommended_json(card.recommended));
}

}  // namespace

worker::ListedModel listed(const TextService& service) {
    worker::ListedModel listed{
        .id = service.model_ref, .created = service.model.loaded_at, .owned_by = "llm-worker-rbee"};
    if (service.model.vocabulary) listed.meta = meta_json(service.model);
    return listed;
}

}  // namespace llm

#include "llm/api/completions/model_routes.h"

#include "llm/api/openai/openai_error.h"
#include "worker/contract/json_object.h"
#include "worker/http/status_routes.h"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace llm {

using boost::asio::awaitable;
using worker::JsonObject;
using worker::ReplyWriter;
using worker::Request;

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

JsonObject model_json(const TextService& service) {
    JsonObject json;
    json.add("id", service.model_ref)
        .add("object", "model")
        .add("created", service.model.loaded_at)
        .add("owned_by", "llm-worker-rbee");
    if (service.model.vocabulary) json.add("meta", meta_json(service.model));
    return json;
}

awaitable<void> list_models(TextService& service, ReplyWriter& reply) {
    return worker::send_json(JsonObject()
                                 .add("object", "list")
                                 .add("data", std::vector<JsonObject>{model_json(service)}),
                             reply);
}

awaitable<void> show_model(TextService& service, const std::vector<std::string>& names,
                           Request& request, ReplyWriter& reply) {
    const std::string& name = request.params.at("id");
    if (std::ranges::find(names, name) == names.end()) {
        reply.send(to_response(model_not_found(name)));
        co_return;
    }
    co_await worker::send_json(model_json(service), reply);
}

}  // namespace

void add_model_routes(worker::Router& router, TextService& service,
                      const std::vector<std::string>& names) {
    for (const std::string prefix : {"/v1/models", "/openai/v1/models"}) {
        router.add(
            {.method = "GET",
             .pattern = prefix,
             .handler = [&service](Request&,
                                   ReplyWriter& reply) { return list_models(service, reply); },
             .error_shape = openai_error_response});
        router.add({.method = "GET",
                    .pattern = prefix + "/{id}",
                    .handler =
                        [&service, names](Request& request, ReplyWriter& reply) {
                            return show_model(service, names, request, reply);
                        },
                    .error_shape = openai_error_response});
    }
}

}  // namespace llm

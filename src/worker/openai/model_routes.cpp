#include "worker/openai/model_routes.h"

#include "worker/http/status_routes.h"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace worker {
namespace {

using boost::asio::awaitable;

JsonObject model_json(const ListedModel& model) {
    return JsonObject()
        .add("id", model.id)
        .add("object", "model")
        .add("created", model.created)
        .add("owned_by", model.owned_by)
        .add("meta", model.meta);
}

// The routes' state. Thread: io.
struct ModelRoutes {
    const std::vector<std::string> names;
    const std::function<ListedModel()> model;

    awaitable<void> list(Request&, ReplyWriter& reply) {
        return send_json(JsonObject()
                             .add("object", "list")
                             .add("data", std::vector<JsonObject>{model_json(model())}),
                         reply);
    }

    awaitable<void> show(Request& request, ReplyWriter& reply) {
        const std::string& name = request.params.at("id");
        if (std::ranges::find(names, name) == names.end()) {
            reply.send(to_response(model_not_found(name)));
            co_return;
        }
        co_await send_json(model_json(model()), reply);
    }
};

}  // namespace

void add_model_routes(Router& router, const ModelNames& names, std::function<ListedModel()> model) {
    const auto routes = std::make_shared<ModelRoutes>(ModelRoutes{names.names, std::move(model)});
    using Serve = awaitable<void> (ModelRoutes::*)(Request&, ReplyWriter&);
    const auto add = [&](const std::string& pattern, Serve serve) {
        router.add({.method = "GET",
                    .pattern = pattern,
                    .handler = [routes, serve](
                                   Request& request,
                                   ReplyWriter& reply) { return (*routes.*serve)(request, reply); },
                    .error_shape = openai_error_response});
    };
    for (const std::string prefix : {"/v1/models", "/openai/v1/models"}) {
        add(prefix, &ModelRoutes::list);
        add(prefix + "/{id}", &ModelRoutes::show);
    }
}

}  // namespace worker

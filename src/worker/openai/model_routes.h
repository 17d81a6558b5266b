#pragma once

#include "worker/contract/json_object.h"
#include "worker/http/router.h"
#include "worker/openai/model_names.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace worker {

// The model object. Source: OpenAI, "The model object".
struct ListedModel {
    std::string id;
    std::int64_t created = 0;  // seconds since 1970
    std::string owned_by;
    std::optional<JsonObject> meta = {};  // once the model is loaded
};

// GET /v1/models and /v1/models/{id}, under /openai too. `model` is asked on the io thread.
void add_model_routes(Router& router, const ModelNames& names, std::function<ListedModel()> model);

}  // namespace worker

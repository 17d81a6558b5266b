#pragma once

#include "llm/api/openai/ignored_parameters.h"
#include "llm/api/openai/openai_error.h"
#include "worker/contract/json_object.h"

#include <tl/expected.hpp>

#include <vector>

namespace llm {

// What a route can say without running a job, and what of the request had no effect.
struct PlainAnswer {
    worker::JsonObject json;
    std::vector<IgnoredParameter> ignored = {};
};

// Errors: what was ignored, where the request's fields do not allow it.
worker::Response to_response(tl::expected<PlainAnswer, OpenAiError> answer,
                             const worker::Fields& fields);

}  // namespace llm

#pragma once

#include "worker/contract/json_object.h"
#include "worker/openai/ignored_parameters.h"
#include "worker/openai/openai_error.h"

#include <tl/expected.hpp>

#include <vector>

namespace worker {

// What a route can say without running a job, and what of the request had no effect.
struct PlainAnswer {
    JsonObject json;
    std::vector<IgnoredParameter> ignored = {};
};

// Errors: what was ignored, where the request's fields do not allow it.
Response to_response(tl::expected<PlainAnswer, OpenAiError> answer, const Fields& fields);

}  // namespace worker

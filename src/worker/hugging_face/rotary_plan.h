#pragma once

#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/model_config.h"

namespace worker {

// Adds the keys and factors of rotary positions to `model`, whose sizes are known. Failures go into
// `config`: model_unsupported (a kind of scaling, named), model_corrupt.
void plan_rotary(JsonFields& config, ModelConfig& model);

}  // namespace worker

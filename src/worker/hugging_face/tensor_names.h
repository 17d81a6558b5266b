#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/conversion_plan.h"
#include "worker/hugging_face/model_config.h"
#include "worker/hugging_face/model_directory.h"

#include <vector>

namespace worker {

// Which of the directory's tensors become which of the GGUF file's. Every weight is accounted for:
// one that has no place is a model that computes something else.
// Errors: model_corrupt (a tensor that is missing or of another shape), model_unsupported (one that
// has no place); the tensor is named.
Result<std::vector<PlannedTensor>> plan_tensors(const ModelDirectory& directory,
                                                const ModelConfig& config);

// general.file_type: of the type that most bytes are stored in. Source: enum llama_ftype in
// llama.h.
std::uint32_t file_type_of(const std::vector<PlannedTensor>& tensors);

}  // namespace worker

#pragma once

#include "worker/base/result.h"
#include "worker/model_file/architecture.h"
#include "worker/model_file/gguf.h"
#include "worker/model_file/model_facts.h"

namespace worker {

// Checks the keys that begin with the architecture's name and fills in the facts that they tell.
// Refuses what the library would abort on or divide by; what it reports as an error is left to it.
// Errors: model_corrupt, naming the key.
// Source: llama_model_base::load_hparams in llama.cpp.
Result<void> check_hyperparameters(const ByteSource& source, const GgufHeader& header,
                                   const Architecture& architecture, ModelFacts& facts);

}  // namespace worker

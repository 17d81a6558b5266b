#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/model_directory.h"
#include "worker/hugging_face/token_table.h"
#include "worker/model_file/gguf_writer.h"

#include <vector>

namespace worker {

// The keys of tokens with a meaning: which they are, which of them begin and end every text, and
// the chat templates that use them.
// Source: transformers, `SpecialTokensMixin`; tokenizers, processors/template.rs; llama.cpp,
// gguf-py vocab.py, `SpecialVocab`.
// Errors: model_unsupported, model_corrupt.
Result<std::vector<GgufEntry>> special_token_entries(const ModelDirectory& directory,
                                                     const TokenTable& table);

}  // namespace worker

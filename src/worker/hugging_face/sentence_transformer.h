#pragma once

#include "worker/base/result.h"
#include "worker/model_file/pooling.h"

#include <filesystem>
#include <optional>

namespace worker {

// What makes an embedding model of a language model.
// Source: sentence-transformers, modules.json and the config.json of its Pooling.
struct SentenceTransformer {
    Pooling pooling = Pooling::none;
    bool lower_case = false;  // before the tokeniser reads a text
};

// Nothing where the directory has no modules.json.
// Errors: model_corrupt, model_unsupported (a module or a pooling, named), model_unreadable.
Result<std::optional<SentenceTransformer>> read_sentence_transformer(
    const std::filesystem::path& directory);

}  // namespace worker

#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/model_directory.h"
#include "worker/hugging_face/token_table.h"
#include "worker/model_file/gguf_writer.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace worker {

inline constexpr std::string_view lowercase_key = "tokenizer.ggml.normalizer.lowercase";

// What a GGUF file says of a tokeniser, so that libllama's tokenises as tokenizer.json does.
struct TokenizerPlan {
    std::vector<GgufEntry> entries;
    Stripping stripping = Stripping::none;
};

// `size`: tokens that the model has rows for.
// Errors: model_unsupported (a tokeniser, named), model_corrupt.
Result<TokenizerPlan> plan_tokenizer(const ModelDirectory& directory, std::uint32_t size);

}  // namespace worker

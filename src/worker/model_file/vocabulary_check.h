#pragma once

#include "worker/base/result.h"
#include "worker/model_file/gguf.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace worker {

// Known: below 300,000. Bounds the memory of the search for duplicates to 32 MiB.
inline constexpr std::uint64_t vocabulary_size_max = 1u << 22;
// Known: below 1,000. The library walks tokens recursively, so this bounds its stack.
inline constexpr std::uint64_t token_bytes_max = 4096;

// A key of our own, true where a text gets a space before it as a whole, unless it begins with one
// or with a special token. libllama knows spaces before all parts of a text, or none.
inline constexpr std::string_view leading_space_key = "rbee.tokenizer.leading_space";

struct VocabularyFacts {
    std::string tokenizer;  // tokenizer.ggml.model, e.g. "gpt2"
    std::uint32_t size = 0;
};

// Checks the tokeniser's keys and reads every token once. `source` is what `header` came from.
// Errors: model_corrupt, model_unsupported, model_unreadable.
// Source: llama_vocab::impl::load in llama.cpp, which aborts on a token that is there twice and on
// a leading or closing token that is wanted and missing.
Result<VocabularyFacts> check_vocabulary(const ByteSource& source, const GgufHeader& header);

}  // namespace worker

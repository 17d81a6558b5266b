// OpenAI's request for embeddings, as a table of its parameters.
#pragma once

#include "llm/api/tokens/text_or_tokens.h"
#include "worker/openai/ignored_parameters.h"
#include "worker/openai/openai_error.h"
#include "worker/openai/parameter.h"

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace embedding {

// What a request can ask for, by this worker's model.
struct EmbeddingsLimits {
    std::uint32_t vocabulary_size = 0;  // at least 1
    std::uint32_t dimensions = 0;       // at least 1
};

enum class EncodingFormat : std::uint8_t { numbers, base64 };

// The body of POST /v1/embeddings. Source: OpenAI, API reference, "Create embeddings".
struct EmbeddingsRequest {
    std::string model;
    std::vector<llm::TextOrTokens> inputs;  // at least 1, none of them empty
    EncodingFormat encoding_format = EncodingFormat::numbers;
    std::optional<std::uint32_t> dimensions;
    std::int32_t priority = 0;
    std::vector<worker::IgnoredParameter> ignored;
};

// A body whose fields are each within their limits.
struct EmbeddingsDraft {
    std::string model;
    const boost::json::value* input = nullptr;
    std::string encoding_format = "float";
    std::optional<std::uint32_t> dimensions;
    std::int32_t priority = 0;
};

worker::Rows<EmbeddingsDraft> embeddings_rows(const EmbeddingsLimits& limits);

// How errors call one of so many inputs: "input[3]", or "input" where it is the only one.
std::string name_of_input(std::size_t index, std::size_t count);

// Errors: the first parameter that is wrong, in the order of the table. Thread: any.
tl::expected<EmbeddingsRequest, worker::OpenAiError> parse_embeddings_request(
    const boost::json::value& body, const EmbeddingsLimits& limits);

}  // namespace embedding

// Vectors as texts of replies: the hot path of embeddings. Requires, throughout: numbers that are
// finite.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace embedding {

// As a JSON array; each number is the shortest that is read back as the same float.
void append_numbers(std::string& out, std::span<const float> values);

// As a JSON text: the floats' bytes in base64, little-endian. Source: OpenAI, API reference,
// "Create embeddings", encoding_format.
void append_base64(std::string& out, std::span<const float> values);

// The first `dimensions` numbers, of length 1 again. Requires: 1..values.size().
std::vector<float> shortened(std::span<const float> values, std::uint32_t dimensions);

}  // namespace embedding

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace worker {

// Bytes of the well-formed character that `text` begins with; 0 when it begins with none.
// Source: Unicode Standard, table 3-7 (well-formed UTF-8 byte sequences).
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

// Code points in valid UTF-8.
std::size_t count_characters(std::string_view text);

// The first `characters` code points of valid UTF-8, or all of it.
std::string_view first_characters(std::string_view text, std::size_t characters);

// The whole characters among the first `bytes` bytes of valid UTF-8.
std::string_view first_bytes(std::string_view text, std::size_t bytes);

// `text` with U+FFFD in place of every byte that is not part of a well-formed character.
std::string to_utf8(std::string_view text);

}  // namespace worker

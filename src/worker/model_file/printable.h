#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace worker {

// `text` fit for one line of a message: control characters and what is not UTF-8 become \xNN, and
// what is longer than `bytes_max` ends in "...". Names out of a file or a directory may hold
// anything.
std::string printable(std::string_view text, std::size_t bytes_max = 96);

// The same, whole, for a path.
std::string printable_path(std::string_view path);

}  // namespace worker

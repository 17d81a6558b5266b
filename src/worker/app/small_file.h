#pragma once

#include "worker/base/result.h"

#include <cstddef>
#include <string>

namespace worker {

inline constexpr std::size_t small_file_bytes_max = 1u << 20;

// The whole of a regular file of at most `small_file_bytes_max`. Devices and pipes are refused, as
// reading them may never end. Errors: config_invalid, without the path.
Result<std::string> read_small_file(const std::string& path);

}  // namespace worker

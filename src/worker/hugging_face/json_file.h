#pragma once

#include "worker/base/result.h"

#include <boost/json/value.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace worker {

// Known: 35 MB, the tokeniser of a vocabulary of 256,000 tokens.
inline constexpr std::uint64_t model_text_bytes_max = 128u << 20;

// The whole of a file beside a model. Errors: model_not_found, model_unreadable, model_corrupt.
Result<std::string> read_model_text(const std::filesystem::path& path);

// What a JSON file beside a model holds. Errors: as above, and model_corrupt with line and column.
Result<boost::json::value> read_json(const std::filesystem::path& path);

// The object in it. Errors: as above.
Result<boost::json::object> read_json_object(const std::filesystem::path& path);

// The same; an empty one where there is no such file.
Result<boost::json::object> read_optional_object(const std::filesystem::path& path);

}  // namespace worker

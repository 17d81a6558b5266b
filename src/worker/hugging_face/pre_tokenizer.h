#pragma once

#include "worker/base/result.h"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace worker {

// The name that libllama has for the way in which a byte-level tokenizer.json cuts texts before its
// merges. Recognised by its patterns; nothing is guessed.
// Errors: model_unsupported, with the patterns. `file`: for messages.
Result<std::string> name_pre_tokenizer(const std::string& file,
                                       const boost::json::object& tokenizer);

}  // namespace worker

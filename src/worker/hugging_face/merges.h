#pragma once

#include "worker/base/result.h"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Two tokens that become one. The parts are tokenizer.json's.
struct Merge {
    std::string_view left;
    std::string_view right;
};

// The merges of a tokenizer.json's model, the first the most urgent; as "a b", or as ["a", "b"].
// Errors: model_corrupt. `file`: for messages.
// Source: tokenizers, models/bpe/serialization.rs.
Result<std::vector<Merge>> read_merges(const std::string& file, const boost::json::object& model);

}  // namespace worker

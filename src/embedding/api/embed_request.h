#pragma once

#include "worker/validation/rules.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace embedding {

// The native request for embeddings, within all limits; absent fields have the defaults.
struct EmbedRequest {
    std::optional<std::string> job_id;
    std::vector<std::string> input;  // at least 1
    std::optional<bool> stream;
    std::int32_t priority = 0;
    std::optional<std::string> operation;  // a queen's word for what it wants
};

struct NativeLimits {
    std::uint32_t input_chars_max = 32768;  // of each; 0 = the context decides
};

using EmbedRules = worker::Rules<EmbedRequest>;

EmbedRules embed_rules(const NativeLimits& limits);

}  // namespace embedding

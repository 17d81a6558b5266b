#pragma once

#include "worker/validation/rules.h"

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llm {

// The native request for text, within all limits; absent fields have the defaults.
// Source: wire contract, 4.1.
struct GenerateRequest {
    std::optional<std::string> job_id;
    std::string prompt;
    std::uint32_t max_tokens = 0;
    double temperature = 1.0;  // 0 = greedy
    double top_p = 1.0;
    double repetition_penalty = 1.0;
    std::vector<std::string> stop;
    double min_p = 0.0;
    std::uint32_t top_k = 0;            // 0 = off
    std::uint32_t repeat_last_n = 128;  // tokens; 0 = all
    std::optional<std::uint64_t> seed;  // unset: we choose
    bool ignore_eos = false;
    std::optional<bool> stream;
    std::int32_t priority = 0;
    std::optional<std::string> operation;  // a queen's word for what it wants
};

struct NativeLimits {
    std::uint32_t prompt_chars_max = 32768;  // 0 = the context decides, once the prompt is tokens
    std::uint32_t output_tokens_max = 2048;  // 0 = the context
    std::uint32_t context_tokens = 0;
};

using GenerateRules = worker::Rules<GenerateRequest>;

// Made once, when the model's context is known.
GenerateRules generate_rules(const NativeLimits& limits);

// Errors: everything that is wrong with the body, in the order of the contract.
tl::expected<GenerateRequest, worker::Violations> parse_generate_request(
    const boost::json::value& body, const GenerateRules& rules);

}  // namespace llm

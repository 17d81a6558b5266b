#pragma once

#include "worker/base/log.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace worker {

// What the worker says of one thing that it does. No prompt and no generated text in any field.
// Source: wire contract, section 11, which also lists actors and actions.
struct Narration {
    std::string actor = {};  // who: "model-loader"; empty: the worker itself
    std::string action;      // does what: "model_load"
    std::string target;      // to what: a path, a job, an address
    std::string human;       // present tense, plain; cut to `human_characters_max` when narrated
    std::optional<std::string> cute = std::nullopt;
    std::optional<std::string> correlation_id = std::nullopt;
    std::optional<std::string> job_id = std::nullopt;
    std::optional<std::string> worker_id = std::nullopt;
    std::optional<std::string> error_kind = std::nullopt;
    std::optional<std::chrono::milliseconds> duration = std::nullopt;
    std::optional<std::uint64_t> tokens_in = std::nullopt;
    std::optional<std::uint64_t> tokens_out = std::nullopt;
    std::optional<std::chrono::milliseconds> decode_time = std::nullopt;
    std::optional<std::uint64_t> queue_position = std::nullopt;
    std::optional<std::string> model_ref = std::nullopt;
    std::optional<std::string> device = std::nullopt;
    std::optional<std::chrono::milliseconds> emitted_at = std::nullopt;  // since 1970
};

inline constexpr std::size_t human_characters_max = 100;

// The fields that are known, under their wire names and in the contract's order.
std::vector<LogField> fields_of(const Narration& narration);

// One line of JSON; unknown fields are left out.
std::string to_json(const Narration& narration);

// `narration` without secrets and with `human` cut to its length.
Narration made_presentable(Narration narration);

}  // namespace worker

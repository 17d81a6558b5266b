#pragma once

#include "worker/app/config.h"
#include "worker/base/result.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llm {

// What only a text worker lets itself be told from outside, beside every worker's Config.
struct TextSettings {
    std::uint32_t prompt_chars_max = 32768;    // native route; 0 = the context
    std::uint32_t output_tokens_max = 2048;    // native route; 0 = the context
    std::uint32_t stop_strings_max = 4;        // OpenAI routes
    std::chrono::milliseconds gap_max{50};     // that a prompt may put into a running stream
    std::optional<std::uint64_t> cache_bytes;  // host memory for prefixes; unset: what is spare
    std::optional<std::string> chat_template;  // file or name; unset: the model's
    bool any_model = false;                    // OpenAI routes take every `model`
    std::string engine = "auto";               // auto llama cpu
    std::string cpu_isa = "auto";
    bool profile = false;
    std::optional<std::uint64_t> kv_tokens;
    std::string kv_type = "f16";
    bool use_model_defaults = false;  // sampling as the model recommends, where a caller is silent
};

// The flags that set them. Requires: `settings` outlives them.
std::vector<worker::FlagGroup> text_flags(TextSettings& settings);

// All that a text worker is told from outside.
struct AllSettings {
    const worker::Config& worker;
    const TextSettings& text;
};

// Errors: config_invalid, where they contradict each other.
worker::Result<void> check_settings(const AllSettings& settings, const worker::SourceOf& source_of);

}  // namespace llm

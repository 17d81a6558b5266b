#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace worker {
struct FlagGroup;
}

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
    bool use_model_defaults = false;  // sampling as the model recommends, where a caller is silent
};

// The flags that set them. Requires: `settings` outlives them.
worker::FlagGroup text_flags(TextSettings& settings);

}  // namespace llm

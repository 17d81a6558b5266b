#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace llm {

// Sampling values in place of those that a request leaves out; unset: OpenAI's.
struct SamplingDefaults {
    std::optional<double> temperature = {};
    std::optional<double> top_p = {};
    std::optional<double> min_p = {};
    std::optional<double> repetition_penalty = {};
    std::optional<std::uint32_t> top_k = {};
};

// What a model's files say of it, for those who ask and for those who chat with it.
struct ModelCard {
    std::string architecture = {};
    std::uint64_t parameters = 0;
    std::uint64_t size_bytes = 0;
    std::string quantization = {};
    std::uint32_t context_length = 0;  // tokens, in training
    std::uint32_t vocabulary_size = 0;
    std::string digest = {};  // hexadecimal digits
    std::string engine = {};  // that computes it
    SamplingDefaults recommended = {};
    std::optional<std::string> chat_template = {};  // the one in use
    std::string bos_text = {};                      // as chat templates write these tokens
    std::string eos_text = {};
};

// Of worker, engine and model: what a reply may depend on.
inline std::string fingerprint(const ModelCard& card, const std::string& worker_version) {
    return "fp-" + worker_version + "-" + card.engine + "-" + card.digest.substr(0, 12);
}

}  // namespace llm

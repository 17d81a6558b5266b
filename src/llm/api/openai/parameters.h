// The table of all parameters: what they accept and where they go, which of them have no effect
// here and why. Parsing, what replies report, and docs/openai.md come from it.
#pragma once

#include "llm/api/openai/generation_request.h"
#include "llm/api/openai/grammar_request.h"
#include "worker/openai/parameter.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace llm {

// A body whose fields are each within their limits, before it is known what they mean together.
// What needs a reader of its own points into the body.
struct GenerationDraft : GenerationRequest, GrammarDraft {
    std::map<std::int64_t, double> biases = {};
    const boost::json::object* stream_options = nullptr;
};

struct ChatDraft : GenerationDraft {
    std::optional<std::uint32_t> max_completion_tokens;
    const boost::json::array* messages = nullptr;
    const boost::json::array* tools = nullptr;
    const boost::json::value* tool_choice = nullptr;
    bool parallel_tool_calls = true;
    bool logprobs = false;
    std::uint32_t top_logprobs = 0;
    std::optional<std::string> reasoning_effort;
    const boost::json::object* chat_template_kwargs = nullptr;
    bool continue_final_message = false;
    std::vector<std::string> modalities;
};

struct CompletionDraft : GenerationDraft {
    const boost::json::value* prompt = nullptr;
    bool echo = false;
    std::optional<std::string> suffix;
    std::optional<std::uint32_t> logprobs;
    std::optional<std::uint32_t> best_of;
};

struct StreamOptionsDraft {
    bool include_usage = false;
};

worker::Rows<ChatDraft> chat_rows(const RequestLimits& limits);
worker::Rows<CompletionDraft> completion_rows(const RequestLimits& limits);
worker::Rows<StreamOptionsDraft> stream_option_rows();

// What a request starts from, before its own fields are read.
void take_defaults(GenerationRequest& request, const SamplingDefaults& defaults);

// What both kinds of request check once their fields are read: fills what of a GenerationRequest
// depends on several fields. Requires: `max_tokens` is final.
worker::Checked complete_generation(GenerationDraft& draft, worker::IgnoredParameters& ignored);

}  // namespace llm

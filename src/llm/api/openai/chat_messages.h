#pragma once

#include "worker/openai/parameter.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>

namespace llm {

// One entry of `messages`, and what is in it.
struct MessageDraft {
    std::string role;
    const boost::json::value* content = nullptr;
    std::optional<std::string> name;
    std::optional<std::string> reasoning_content;
    const boost::json::array* tool_calls = nullptr;
    std::optional<std::string> tool_call_id;
};
struct ContentPartDraft {
    std::string type;
    std::string text;
};
struct ToolCallDraft {
    std::string id;
    std::string type;
    const boost::json::object* function = nullptr;
};
struct CalledFunctionDraft {
    std::string name;
    std::string arguments;  // JSON text, as a model wrote it
};

worker::Rows<MessageDraft> message_rows();
worker::Rows<ContentPartDraft> content_part_rows();
worker::Rows<ToolCallDraft> tool_call_rows();
worker::Rows<CalledFunctionDraft> called_function_rows();

// The conversation as templates want it. Errors: name the message, "messages[2].content[1]".
tl::expected<boost::json::array, worker::OpenAiError> read_messages(
    const boost::json::array& messages, worker::IgnoredParameters& ignored);

}  // namespace llm

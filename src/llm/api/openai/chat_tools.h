#pragma once

#include "worker/openai/parameter.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace llm {

struct ToolChoice {
    enum class Kind : std::uint8_t { none, automatic, required, named };

    Kind kind = Kind::none;
    std::string name = "";  // of the function, where one is named

    bool operator==(const ToolChoice&) const = default;
};

// One entry of `tools`.
struct ToolDraft {
    std::string type;
    const boost::json::object* function = nullptr;
};
struct FunctionDraft {
    std::string name;
    std::optional<std::string> description;
    const boost::json::object* parameters = nullptr;
    bool strict = false;
};

worker::Rows<ToolDraft> tool_rows();
worker::Rows<FunctionDraft> function_rows();

// Every entry is a function with a name of its own.
worker::Checked check_tools(const boost::json::array& tools, worker::IgnoredParameters& ignored);

// `choice` is null where it is absent: "auto" where there are tools. Requires: checked tools.
tl::expected<ToolChoice, worker::OpenAiError> read_tool_choice(const boost::json::value* choice,
                                                               const boost::json::array& tools);

}  // namespace llm

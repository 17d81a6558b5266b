#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace llm {

struct ContentDelta {
    std::string text;
    bool operator==(const ContentDelta&) const = default;
};

struct ReasoningDelta {
    std::string text;
    bool operator==(const ReasoningDelta&) const = default;
};

// A call has begun. Its id is up to the caller.
struct ToolCallBegin {
    std::uint32_t index;  // 0, 1, … in the order of the reply.
    std::string name;
    bool operator==(const ToolCallBegin&) const = default;
};

struct ToolCallArguments {
    std::uint32_t index;
    std::string text;  // The next part of the arguments' JSON text.
    bool operator==(const ToolCallArguments&) const = default;
};

// What a part of a reply's text says.
using ReplyDelta = std::variant<ContentDelta, ReasoningDelta, ToolCallBegin, ToolCallArguments>;

}  // namespace llm

#pragma once

#include "llm/text/reasoning_splitter.h"
#include "llm/text/reply_delta.h"
#include "llm/text/tool.h"
#include "llm/text/tool_call_parser.h"
#include "llm/text/tool_format.h"

#include <span>
#include <string_view>
#include <vector>

namespace llm {

// What a reply's text says, as it comes: reasoning first, then content and calls of tools.
// The deltas, joined, depend on the text only, not on how it was cut into pieces.
class ReplyParser {
public:
    struct Settings {
        ToolFormat tool_format = ToolFormat::none;
        std::span<const Tool> tools = {};  // Outlive the parser.
        ReasoningFormat reasoning = ReasoningFormat::none;
        ReplyStart start = ReplyStart::outside;
    };

    explicit ReplyParser(const Settings& settings);

    // Adds what `text` says. Requires: whole UTF-8 characters, control tokens spelled out where
    // they are among `tool_markers` or `reasoning_tags`.
    void push(std::string_view text, std::vector<ReplyDelta>& out);
    // The end of the reply.
    void finish(std::vector<ReplyDelta>& out);

    bool has_calls() const { return calls_.has_calls(); }
    // The text that comes next is reasoning, or may close it: what tokens are counted by.
    bool is_reasoning() const { return splitter_.is_reasoning(); }

private:
    void add(ReasoningSplitter::Parts parts, std::vector<ReplyDelta>& out);

    ReasoningSplitter splitter_;
    ToolCallParser calls_;
};

}  // namespace llm

#pragma once

#include "llm/text/reply_delta.h"

#include <span>
#include <string>
#include <variant>

namespace llm {

// What deltas say together, for tests: ~reasoning~ 'content' #0 name(arguments). Deltas that
// continue one another are joined, whatever their pieces were.
inline std::string reply_transcript(std::span<const ReplyDelta> deltas) {
    std::string said;
    std::string end;  // What closes the part that is being said.
    const auto part = [&](const std::string& begin, const std::string& closing) {
        said += end + (said.empty() ? "" : " ") + begin;
        end = closing;
    };
    for (const ReplyDelta& delta : deltas) {
        if (const auto* reasoning = std::get_if<ReasoningDelta>(&delta)) {
            if (said.empty()) part("~", "~");
            said += reasoning->text;
        } else if (const auto* content = std::get_if<ContentDelta>(&delta)) {
            if (end != "'") part("'", "'");
            said += content->text;
        } else if (const auto* call = std::get_if<ToolCallBegin>(&delta)) {
            part("#" + std::to_string(call->index) + " " + call->name + "(", ")");
        } else {
            said += std::get<ToolCallArguments>(delta).text;
        }
    }
    return said + end;
}

}  // namespace llm

#include "llm/text/reply_parser.h"

#include <utility>

namespace llm {

ReplyParser::ReplyParser(const Settings& settings)
    : splitter_(settings.reasoning, settings.start), calls_(settings.tool_format, settings.tools) {}

void ReplyParser::push(std::string_view text, std::vector<ReplyDelta>& out) {
    add(splitter_.push(text), out);
}

void ReplyParser::finish(std::vector<ReplyDelta>& out) {
    add(splitter_.finish(), out);
    calls_.finish(out);
}

void ReplyParser::add(ReasoningSplitter::Parts parts, std::vector<ReplyDelta>& out) {
    if (!parts.reasoning.empty()) out.push_back(ReasoningDelta{std::move(parts.reasoning)});
    calls_.push(parts.content, out);
}

}  // namespace llm

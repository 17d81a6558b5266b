#pragma once

#include "llm/model/text_model.h"
#include "llm/text/reasoning_splitter.h"
#include "llm/text/tool.h"
#include "llm/text/tool_format.h"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>

namespace llm {

enum class ToolUse : std::uint8_t {
    optional,  // Text, or calls; once a call has begun it follows its tool's schema.
    required   // Calls and nothing else.
};

enum class CallCount : std::uint8_t { one, many };

// What a reply with calls may be.
struct ToolGrammar {
    ToolFormat format;            // not `none`
    std::span<const Tool> tools;  // at least one; the one alone that the caller has named
    ToolUse use = ToolUse::required;
    CallCount calls = CallCount::many;
    // A reply may reason before it follows the rest, or has to where the prompt has begun it.
    ReasoningFormat reasoning = ReasoningFormat::none;
    ReplyStart start = ReplyStart::outside;
};

// The control tokens of a vocabulary by their spellings. Tags that are not among them are text.
using ControlTokens = std::map<std::string, Token, std::less<>>;

// The grammar as llguidance's Lark text. The tools' schemas go in as they are, so that `$ref` finds
// what it points at; where they do not say otherwise, their JSON has no space but one behind `,`
// and `:`. Source: llguidance, docs/syntax.md and docs/json_schema.md.
std::string tool_grammar(const ToolGrammar& grammar, const ControlTokens& control_tokens);

}  // namespace llm

#pragma once

#include "llm/api/completions/chat_format.h"
#include "llm/api/openai/chat_request.h"
#include "llm/sampling/grammar.h"
#include "worker/openai/openai_error.h"

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <vector>

namespace llm {

// A grammar, and the parameter that asked for it.
struct ReplyGrammar {
    GrammarSpec spec;
    std::string param;
};

// What a request's own grammar is to the engine of grammars. What of a schema cannot be enforced is
// an error where it is strict, else one more ignored parameter.
tl::expected<ReplyGrammar, worker::OpenAiError> requested_grammar(
    const GrammarRequest& request, std::vector<worker::IgnoredParameter>& ignored);

// What the replies to a chat have to follow: its own grammar, or that of the calls which it
// demands. Nothing where any text will do.
tl::expected<std::optional<ReplyGrammar>, worker::OpenAiError> chat_grammar(
    ChatRequest& request, const ChatPrompt& prompt, const ChatFormat& format);

}  // namespace llm

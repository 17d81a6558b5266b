#pragma once

#include "llm/api/openai/chat_request.h"
#include "llm/model/model_card.h"
#include "llm/model/vocabulary.h"
#include "llm/text/chat_template.h"
#include "llm/text/reasoning_splitter.h"
#include "llm/text/special_spellings.h"
#include "llm/text/tool_format.h"
#include "worker/base/clock.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

// A chat as the model reads it.
struct ChatPrompt {
    std::string text = {};
    std::vector<Token> tokens = {};
    std::size_t length = 0;  // in tokens; where that is too much, at least so many, and no tokens
    ToolFormat tool_format = ToolFormat::none;  // of the calls that the reply may have
    ReplyStart start = ReplyStart::outside;
};

// How one model is talked to: its template, and what its replies' tags mean. Immutable.
// Thread: any.
class ChatFormat {
public:
    // Requires: the card has a template. Errors: invalid_request, what is wrong with it.
    static Result<ChatFormat> make(const ModelCard& card,
                                   std::shared_ptr<const Vocabulary> vocabulary);

    // `tokens_max`: longer prompts are of no use. Errors: invalid_request, in the template's own
    // words where it refuses the messages.
    Result<ChatPrompt> prompt(const ChatRequest& request, worker::Clock::WallTime now,
                              std::size_t tokens_max) const;

    ReasoningFormat reasoning() const { return reasoning_; }
    // The control token that is spelled like this; nothing where that is plain text.
    std::optional<Token> control_token(std::string_view spelling) const;
    // Control tokens that tell the parts of a reply from each other.
    std::vector<Token> markers(ToolFormat format) const;

private:
    ChatFormat(ChatTemplate chat_template, std::string_view source,
               std::shared_ptr<const Vocabulary> vocabulary);

    boost::json::object context_of(const ChatRequest& request, ToolFormat format) const;

    ChatTemplate template_;
    std::shared_ptr<const Vocabulary> vocabulary_;
    SpecialSpellings spellings_;
    ToolFormat tool_format_;
    ReasoningFormat reasoning_;
    bool knows_developers_;
};

// The functions that a request lets the model call. Requires: a parsed request.
std::vector<Tool> tools_of(const ChatRequest& request);

}  // namespace llm

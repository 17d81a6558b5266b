#pragma once

#include "llm/api/completions/choices_reply.h"
#include "llm/api/completions/reply_head.h"
#include "llm/api/completions/usage.h"
#include "llm/model/vocabulary.h"
#include "llm/text/reply_parser.h"
#include "llm/text/tool.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

// The reply to a chat: `chat.completion`, or its chunks.
// Source: OpenAI, the chat completion object and the chat completion chunk object.
class ChatReply final : public ChoicesReply {
public:
    struct Settings {
        ReplyHead head;
        std::uint32_t choices = 1;
        ToolFormat tool_format = ToolFormat::none;
        std::vector<Tool> tools = {};
        ReasoningFormat reasoning = ReasoningFormat::none;
        ReplyStart start = ReplyStart::outside;
        TokenDetail detail = TokenDetail::none;
        bool token_ids = false;  // told; `detail` is not `none` then
        StreamUsage stream_usage = StreamUsage::hidden;
        std::shared_ptr<const Vocabulary> vocabulary;
    };

    explicit ChatReply(Settings settings);

    std::string stream_begin() override;
    std::string take(std::size_t choice, worker::Event<TextOutput> event) override;
    std::string stream_end() override;
    std::string body() override;

private:
    struct Call {
        std::string id;
        std::string name;
        std::string arguments = {};
    };
    struct Choice {
        ReplyParser parser;
        std::string content = {};
        std::string reasoning = {};
        std::vector<Call> calls = {};
        std::vector<Logprobs> details = {};
        std::string_view finish_reason = {};
    };

    // What `deltas` say, into the choice, and as frames. The details go with the first of them.
    std::string say(std::size_t choice, std::vector<ReplyDelta> deltas,
                    std::vector<Logprobs> details);
    // The delta object of one chunk.
    std::string keep(Choice& choice, ReplyDelta delta);
    std::string end(std::size_t choice, const worker::Ended& ended);
    std::string chunk(std::size_t choice, std::string_view delta, std::string_view details,
                      std::string_view finish_reason);
    // The members that tell of tokens, in a chunk and in a whole choice.
    std::string details_json(const std::vector<Logprobs>& details) const;
    worker::JsonObject choice_json(std::size_t index) const;

    const Settings settings_;
    const std::string chunk_head_;
    std::vector<Choice> choices_;
    Usage usage_;
    std::string x_ignored_;  // not told yet
    bool streams_ = false;   // nothing is kept for `body`
};

}  // namespace llm

#pragma once

#include "llm/text/stop_strings.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llm {

// The tags between which a model reasons before it replies.
enum class ReasoningFormat : std::uint8_t {
    none,
    think,           // <think>…</think>: DeepSeek, Qwen 3, GLM, Granite, SmolLM3
    think_brackets,  // [THINK]…[/THINK]: Magistral, Ministral
    seed_think,      // <seed:think>…</seed:think>
    inner,           // <|inner_prefix|>…<|inner_suffix|>: Apertus
    thinking,        // <|START_THINKING|>…<|END_THINKING|>: Command
    thought_channel  // <|channel>thought…<channel|>: Gemma 4
};

struct ReasoningTags {
    std::string_view open;
    std::string_view close;
};

// Requires: not `none`. Where a tag is a control token, the text that is split has to contain its
// spelling.
const ReasoningTags& reasoning_tags(ReasoningFormat format);

// The tags that a chat template shows.
ReasoningFormat reasoning_format_of(std::string_view template_source);

enum class ReplyStart : std::uint8_t {
    outside,  // The reply may open its reasoning.
    inside    // The prompt has opened it.
};

// Where the reply to a rendered prompt starts.
ReplyStart reply_start(ReasoningFormat format, std::string_view prompt);

// Parts a reply into its reasoning and what follows, as it comes, whatever the pieces. Reasoning
// stands at the beginning or nowhere; tags further on are text. Line breaks beside the tags belong
// to neither part.
class ReasoningSplitter {
public:
    struct Parts {
        std::string reasoning;  // Before the content.
        std::string content;
        bool operator==(const Parts&) const = default;
    };

    ReasoningSplitter(ReasoningFormat format, ReplyStart start);

    // Requires: whole UTF-8 characters.
    Parts push(std::string_view text);
    // The end of the reply: what was held back.
    Parts finish();

    // The text that comes next is reasoning, or may close it.
    bool is_reasoning() const {
        return state_ == State::reasoning || state_ == State::open_repeated;
    }

private:
    enum class State : std::uint8_t {
        begin,          // Space, then perhaps the tag that opens
        open_repeated,  // The same behind a prompt that has opened it: a tag is no reasoning either
        reasoning,
        content_begin,  // Line breaks
        content
    };

    void push_begin(char byte, Parts& parts);
    void push_reasoning(char byte, Parts& parts);
    void add_reasoning(char byte, Parts& parts);
    void leave_begin(Parts& parts);

    ReasoningTags tags_;
    State state_ = State::content;
    std::string held_;           // In `begin`: all of it.
    std::size_t tag_bytes_ = 0;  // How much of the tag that opens ends what is held.
    StopStrings close_;
    std::string line_breaks_;  // Of the reasoning, behind its last other byte.
    bool has_reasoning_ = false;
};

}  // namespace llm

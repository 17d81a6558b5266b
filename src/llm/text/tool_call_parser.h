#pragma once

#include "llm/text/json_call.h"
#include "llm/text/reply_delta.h"
#include "llm/text/stop_strings.h"
#include "llm/text/tool.h"
#include "llm/text/tool_format.h"
#include "llm/text/xml_call.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace llm {

// Tells the calls of tools in a reply from its text, as it comes. What it says depends on the text
// only, not on how it was cut into pieces; work is linear in the text.
//
// What may become a call is held back until it has begun as one: a tool of that name exists, and
// its arguments begin. Then they go out as they come, as the model wrote them. What turns out to be
// no call is text, as is whatever follows the byte that breaks a call which has begun. Space around
// calls is dropped; without a call the text is what came in, byte for byte.
class ToolCallParser {
public:
    // Requires: `tools` outlive this object.
    ToolCallParser(ToolFormat format, std::span<const Tool> tools);

    // Adds what `text` says. Requires: whole UTF-8 characters.
    void push(std::string_view text, std::vector<ReplyDelta>& out);

    // The end of the reply. A call that is cut off stays as it is.
    void finish(std::vector<ReplyDelta>& out);

    bool has_calls() const { return calls_begun_ > 0; }

private:
    enum class State : std::uint8_t {
        text,      // A marker may come.
        leading,   // Nothing but space so far: calls without a marker may begin.
        wrapper,   // Inside {"tool_calls":[
        marked,    // Behind a marker: a call, a list of them, or what follows in this format
        header,    // name[ARGS]
        function,  // Inside <function=
        call,
        between  // In a list, behind a call
    };
    enum class Marker : std::uint8_t { begin, end, function };
    struct Watch {
        std::string text;
        Marker marker;
    };
    using Call = std::variant<JsonCall, XmlCall>;

    static std::vector<Watch> watches_of(ToolFormat format);
    StopStrings markers() const;

    void push_byte(char byte);
    void push_text(char byte);
    void push_leading(char byte);
    void push_wrapper(char byte);
    void push_marked(char byte);
    void push_header(char byte);
    void push_function(char byte);
    void push_call(char byte);
    void push_between(char byte);

    void found(const Watch& watch);
    void leave_leading();
    void begin_call(Call call);
    void begin_named_call(char byte);
    void end_call();
    // What was held is text, and so is `byte` unless a marker begins with it.
    void give_up(char byte);
    void add_content(std::string_view text);
    void report_call();

    ToolFormat format_;
    std::span<const Tool> tools_;
    std::vector<Watch> watches_;
    StopStrings search_;
    State state_;
    std::string spaces_;  // Of the text, behind its last other byte: perhaps before a call.
    std::string held_;    // What may become a call, from the space before it on.
    std::string header_;  // In `wrapper`, `header` and `function`: what has come of these.
    Call call_;
    bool in_list_ = false;
    bool after_call_ = false;   // Nothing but space has come since.
    bool end_pending_ = false;  // The marker that closes calls may come, and is no text then.
    bool reported_ = false;     // Of the call that is being read: its beginning.
    std::uint32_t calls_begun_ = 0;
    std::vector<ReplyDelta>* out_ = nullptr;  // During `push` and `finish`.
};

}  // namespace llm

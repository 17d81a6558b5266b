#pragma once

#include "llm/text/json_scanner.h"
#include "llm/text/stop_strings.h"
#include "llm/text/tool.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace llm {

// Reads one call of the form <function=NAME><parameter=KEY>VALUE</parameter>…</function> byte by
// byte, from NAME on, and writes its arguments as JSON. Values that the tool's schema calls strings
// are streamed; others are held to their end, and are JSON where they parse as such.
// Begins and breaks as JsonCall does.
class XmlCall {
public:
    // Requires: `tools` outlive this object.
    explicit XmlCall(std::span<const Tool> tools) : tools_(tools) {}

    // Requires: the call is neither complete nor broken.
    JsonStep push(char byte);
    // The reply has been cut: what was held of a value goes to the arguments.
    void finish();

    bool begun() const { return tool_ != nullptr; }
    const std::string& name() const { return tool_->name; }
    std::string take_arguments();
    // The beginning of a tag that broke before its end; it is text. Requires: begun and broken.
    const std::string& broken_tag() const { return tag_; }

private:
    enum class State : std::uint8_t { name, between, key, value_begin, value };

    JsonStep push_name(char byte);
    JsonStep push_between(char byte);
    JsonStep push_key(char byte);
    JsonStep push_value(char byte);
    JsonStep break_off();
    void add_to_value(std::string_view text);
    void end_value();
    bool is_string(const std::string& key) const;

    std::span<const Tool> tools_;
    const Tool* tool_ = nullptr;
    State state_ = State::name;
    std::string tag_;  // What has come of the tag between values, with its key.
    StopStrings value_end_ = StopStrings({"</parameter>"});
    std::string value_;     // Held: all of it, or of a string its last line break.
    bool streams_ = false;  // The value is a string, which goes out as it comes.
    bool has_member_ = false;
    std::string arguments_;  // Not taken yet.
};

}  // namespace llm

#pragma once

#include "llm/text/json_scanner.h"
#include "llm/text/tool.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace llm {

// The tool of that name, or null.
const Tool* find_tool(std::span<const Tool> tools, std::string_view name);

// Reads one call of the form {"name": "…", "arguments": {…}} byte by byte. The arguments may be
// called "parameters", may be written as a JSON string, stand before the name or be left out.
//
// It is a call once `begun`: the name is that of a tool, and an object of arguments begins. What is
// no call says so before; what breaks afterwards ends a call that has begun.
class JsonCall {
public:
    // Requires: `tools` outlive this object.
    explicit JsonCall(std::span<const Tool> tools) : tools_(tools) {}
    // The arguments alone, of a call whose name has been read.
    explicit JsonCall(const Tool& tool)
        : state_(State::value), arguments_only_(true), tool_(&tool) {}

    // Requires: the call is neither complete nor broken.
    JsonStep push(char byte);

    bool begun() const { return tool_ != nullptr && has_arguments_; }
    // Requires: begun.
    const std::string& name() const { return tool_->name; }
    // What has come of the arguments since the last call. Requires: begun.
    std::string take_arguments();

private:
    enum class State : std::uint8_t {
        begin,      // {
        first_key,  // a key or }
        key,
        inside_key,
        colon,
        value,
        name,
        arguments,
        quoted_arguments,
        skipped,
        after_value
    };
    enum class Member : std::uint8_t { name, arguments, other };

    JsonStep go_to(State state);
    JsonStep expect_key(char byte);
    JsonStep end_key();
    JsonStep begin_value(char byte);
    JsonStep push_name(char byte);
    JsonStep push_arguments(char byte);
    JsonStep push_quoted(char byte);
    JsonStep push_skipped(char byte);
    JsonStep end_arguments();
    JsonStep end_call();

    std::span<const Tool> tools_;
    State state_ = State::begin;
    bool arguments_only_ = false;
    Member member_ = Member::arguments;
    JsonStringReader string_;
    std::string word_;  // The key or the name that is being read.
    JsonScanner scanner_;
    bool skips_null_ = false;  // What is skipped are arguments: `null`.
    const Tool* tool_ = nullptr;
    bool has_arguments_ = false;
    bool arguments_complete_ = false;
    std::string arguments_;  // Not taken yet.
};

}  // namespace llm

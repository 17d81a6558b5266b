#include "llm/text/json_call.h"

#include <algorithm>
#include <utility>

namespace llm {

const Tool* find_tool(std::span<const Tool> tools, std::string_view name) {
    const auto found =
        std::find_if(tools.begin(), tools.end(), [name](const Tool& t) { return t.name == name; });
    return found == tools.end() ? nullptr : &*found;
}

std::string JsonCall::take_arguments() {
    return std::exchange(arguments_, {});
}

JsonStep JsonCall::push(char byte) {
    switch (state_) {
        case State::inside_key: {
            const JsonStep step = string_.push(byte, word_);
            return step == JsonStep::complete ? end_key() : step;
        }
        case State::name: return push_name(byte);
        case State::arguments: return push_arguments(byte);
        case State::quoted_arguments: return push_quoted(byte);
        case State::skipped: return push_skipped(byte);
        default: break;
    }
    if (is_json_space(byte)) return JsonStep::more;
    switch (state_) {
        case State::begin: return byte == '{' ? go_to(State::first_key) : JsonStep::broken;
        case State::first_key: return byte == '}' ? end_call() : expect_key(byte);
        case State::key: return expect_key(byte);
        case State::colon: return byte == ':' ? go_to(State::value) : JsonStep::broken;
        case State::value: return begin_value(byte);
        default: break;
    }
    if (byte == ',') return go_to(State::key);
    return byte == '}' ? end_call() : JsonStep::broken;
}

JsonStep JsonCall::go_to(State state) {
    state_ = state;
    return JsonStep::more;
}

JsonStep JsonCall::expect_key(char byte) {
    if (byte != '"') return JsonStep::broken;
    string_ = {};
    word_.clear();
    return go_to(State::inside_key);
}

JsonStep JsonCall::end_key() {
    const bool named = tool_ != nullptr;
    if (word_ == "name" && !named) {
        member_ = Member::name;
    } else if ((word_ == "arguments" || word_ == "parameters") && !has_arguments_) {
        member_ = Member::arguments;
    } else if (named || word_ == "type" || word_ == "id") {
        member_ = Member::other;
    } else {
        // Some other object: known here, so that text which is JSON is not held back to its end.
        return JsonStep::broken;
    }
    return go_to(State::colon);
}

JsonStep JsonCall::begin_value(char byte) {
    string_ = {};
    word_.clear();
    scanner_ = {};
    skips_null_ = member_ == Member::arguments;
    switch (member_) {
        case Member::name: return byte == '"' ? go_to(State::name) : JsonStep::broken;
        case Member::arguments:
            if (byte == '"') return go_to(State::quoted_arguments);
            state_ = byte == '{' ? State::arguments : State::skipped;
            if (byte != '{' && byte != 'n') return JsonStep::broken;
            return push(byte);
        default: state_ = State::skipped; return push(byte);
    }
}

JsonStep JsonCall::push_name(char byte) {
    const JsonStep step = string_.push(byte, word_);
    if (step != JsonStep::complete) return step;
    tool_ = find_tool(tools_, word_);
    return tool_ != nullptr ? go_to(State::after_value) : JsonStep::broken;
}

JsonStep JsonCall::push_arguments(char byte) {
    const JsonStep step = scanner_.push(byte);
    if (step == JsonStep::broken) return step;
    has_arguments_ = true;
    arguments_ += byte;
    return step == JsonStep::complete ? end_arguments() : step;
}

JsonStep JsonCall::push_quoted(char byte) {
    word_.clear();
    const JsonStep step = string_.push(byte, word_);
    for (const char unquoted : word_) {
        const bool space_around =
            is_json_space(unquoted) && (!has_arguments_ || arguments_complete_);
        if (space_around) continue;
        if (arguments_complete_ || (!has_arguments_ && unquoted != '{')) return JsonStep::broken;
        const JsonStep inner = scanner_.push(unquoted);
        if (inner == JsonStep::broken) return inner;
        has_arguments_ = true;
        arguments_ += unquoted;
        arguments_complete_ = inner == JsonStep::complete;
    }
    if (step != JsonStep::complete) return step;
    if (has_arguments_ && !arguments_complete_) return JsonStep::broken;
    return end_arguments();
}

JsonStep JsonCall::push_skipped(char byte) {
    const JsonStep step = scanner_.push(byte);
    if (step == JsonStep::more || step == JsonStep::broken) return step;
    if (skips_null_) return end_arguments();
    state_ = State::after_value;
    return step == JsonStep::complete_before ? push(byte) : JsonStep::more;
}

JsonStep JsonCall::end_arguments() {
    if (!std::exchange(has_arguments_, true)) arguments_ = "{}";
    arguments_complete_ = true;
    if (arguments_only_) return JsonStep::complete;
    return go_to(State::after_value);
}

JsonStep JsonCall::end_call() {
    if (tool_ == nullptr) return JsonStep::broken;
    if (!std::exchange(has_arguments_, true)) arguments_ = "{}";
    return JsonStep::complete;
}

}  // namespace llm

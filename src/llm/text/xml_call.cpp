#include "llm/text/xml_call.h"

#include "llm/text/json_call.h"
#include "worker/base/json.h"

#include <utility>

namespace llm {
namespace {

constexpr std::string_view parameter_tag = "<parameter=";
constexpr std::string_view end_tag = "</function>";
// Of a name or a key: longer ones are text.
constexpr std::size_t name_bytes_max = 256;

// Byte by byte, as a character may come in parts.
void append_escaped(std::string& json, std::string_view text) {
    std::string quoted;
    for (const char byte : text) {
        if (byte != '"' && byte != '\\' && static_cast<unsigned char>(byte) >= 0x20) {
            json += byte;
            continue;
        }
        quoted.clear();
        worker::append_json_string(quoted, std::string_view(&byte, 1));
        json.append(quoted, 1, quoted.size() - 2);
    }
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
    return text;
}

// Models write these as Python does.
std::string_view python_word(std::string_view text) {
    if (text == "True") return "true";
    if (text == "False") return "false";
    if (text == "None") return "null";
    return {};
}

}  // namespace

std::string XmlCall::take_arguments() {
    return std::exchange(arguments_, {});
}

JsonStep XmlCall::push(char byte) {
    switch (state_) {
        case State::name: return push_name(byte);
        case State::between: return push_between(byte);
        case State::key: return push_key(byte);
        case State::value_begin:
            state_ = State::value;
            // The line break after the opening tag is no part of the value.
            return byte == '\n' ? JsonStep::more : push_value(byte);
        default: return push_value(byte);
    }
}

JsonStep XmlCall::push_name(char byte) {
    if (byte != '>') {
        tag_ += byte;
        return byte == '\n' || tag_.size() > name_bytes_max ? JsonStep::broken : JsonStep::more;
    }
    tool_ = find_tool(tools_, tag_);
    if (tool_ == nullptr) return JsonStep::broken;
    tag_.clear();
    arguments_ = "{";
    state_ = State::between;
    return JsonStep::more;
}

JsonStep XmlCall::push_between(char byte) {
    if (tag_.empty() && is_json_space(byte)) return JsonStep::more;
    tag_ += byte;
    if (tag_ == parameter_tag) {
        state_ = State::key;
    } else if (tag_ == end_tag) {
        arguments_ += '}';
        return JsonStep::complete;
    } else if (!parameter_tag.starts_with(tag_) && !end_tag.starts_with(tag_)) {
        tag_.pop_back();
        return break_off();
    }
    return JsonStep::more;
}

JsonStep XmlCall::push_key(char byte) {
    if (byte == '\n' || tag_.size() > parameter_tag.size() + name_bytes_max) return break_off();
    if (byte != '>') {
        tag_ += byte;
        return JsonStep::more;
    }
    const std::string key = tag_.substr(parameter_tag.size());
    tag_.clear();
    if (std::exchange(has_member_, true)) arguments_ += ", ";
    worker::append_json_string(arguments_, key);
    arguments_ += ": ";
    streams_ = is_string(key);
    if (streams_) arguments_ += '"';
    state_ = State::value_begin;
    return JsonStep::more;
}

JsonStep XmlCall::break_off() {
    arguments_ += '}';
    return JsonStep::broken;
}

JsonStep XmlCall::push_value(char byte) {
    const StopStrings::Output output = value_end_.push(std::string_view(&byte, 1));
    add_to_value(output.text);
    if (!output.matched) return JsonStep::more;
    end_value();
    value_end_ = StopStrings({"</parameter>"});
    state_ = State::between;
    return JsonStep::more;
}

void XmlCall::add_to_value(std::string_view text) {
    if (!streams_) {
        value_ += text;
        return;
    }
    for (const char byte : text) {
        // The line break before the closing tag is no part of the value.
        append_escaped(arguments_, std::exchange(value_, {}));
        if (byte == '\n') {
            value_ = byte;
        } else {
            append_escaped(arguments_, std::string_view(&byte, 1));
        }
    }
}

void XmlCall::end_value() {
    std::string value = std::exchange(value_, {});
    if (streams_) {
        arguments_ += '"';
        return;
    }
    const std::string_view json = trimmed(value);
    const std::string_view word = python_word(json);
    if (!word.empty()) {
        arguments_ += word;
    } else if (worker::parse_json(json)) {
        arguments_ += json;
    } else {
        if (value.ends_with('\n')) value.pop_back();
        worker::append_json_string(arguments_, value);
    }
}

void XmlCall::finish() {
    if (state_ != State::value) return;
    add_to_value(value_end_.flush());
    const std::string rest = std::exchange(value_, {});
    if (streams_) {
        append_escaped(arguments_, rest);
    } else {
        arguments_ += rest;
    }
}

bool XmlCall::is_string(const std::string& key) const {
    if (!tool_->parameters) return false;
    const auto* properties = tool_->parameters->if_contains("properties");
    if (properties == nullptr || !properties->is_object()) return false;
    const auto* property = properties->get_object().if_contains(key);
    if (property == nullptr || !property->is_object()) return false;
    const auto* type = property->get_object().if_contains("type");
    return type != nullptr && type->is_string() && type->get_string() == "string";
}

}  // namespace llm

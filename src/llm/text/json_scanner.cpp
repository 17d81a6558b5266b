#include "llm/text/json_scanner.h"

#include "worker/base/json.h"

#include <utility>

namespace llm {
namespace {

static_assert(worker::json_depth_max <= 64, "JsonScanner keeps its levels in 64 bits");

constexpr bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

constexpr bool is_high(char32_t unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}

constexpr bool is_low(char32_t unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

void append_utf8(std::string& text, char32_t character) {
    const auto add = [&text](char32_t byte) { text += static_cast<char>(byte); };
    if (character < 0x80) {
        add(character);
    } else if (character < 0x800) {
        add(0xC0 | (character >> 6));
        add(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        add(0xE0 | (character >> 12));
        add(0x80 | ((character >> 6) & 0x3F));
        add(0x80 | (character & 0x3F));
    } else {
        add(0xF0 | (character >> 18));
        add(0x80 | ((character >> 12) & 0x3F));
        add(0x80 | ((character >> 6) & 0x3F));
        add(0x80 | (character & 0x3F));
    }
}

// What the letter after a backslash stands for, or 0 where it may not stand there.
constexpr char escaped(char letter) {
    switch (letter) {
        case '"': return '"';
        case '\\': return '\\';
        case '/': return '/';
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return 0;
    }
}

}  // namespace

JsonStep JsonStringReader::push(char byte, std::string& text) {
    if (state_ == State::escape) return push_escaped(byte, text);
    if (state_ == State::hex) return push_hex(byte, text);
    if (byte == '\\') {
        state_ = State::escape;
        return JsonStep::more;
    }
    end_pair(text);
    if (byte == '"') return JsonStep::complete;
    if (static_cast<unsigned char>(byte) < 0x20) return JsonStep::broken;
    text += byte;
    return JsonStep::more;
}

JsonStep JsonStringReader::push_escaped(char byte, std::string& text) {
    if (byte == 'u') {
        state_ = State::hex;
        hex_missing_ = 4;
        unit_ = 0;
        return JsonStep::more;
    }
    const char character = escaped(byte);
    if (character == 0) return JsonStep::broken;
    end_pair(text);
    text += character;
    state_ = State::plain;
    return JsonStep::more;
}

JsonStep JsonStringReader::push_hex(char byte, std::string& text) {
    const char lower = static_cast<char>(byte | 0x20);
    if (is_digit(byte)) {
        unit_ = unit_ * 16 + static_cast<char32_t>(byte - '0');
    } else if (lower >= 'a' && lower <= 'f') {
        unit_ = unit_ * 16 + static_cast<char32_t>(lower - 'a' + 10);
    } else {
        return JsonStep::broken;
    }
    if (--hex_missing_ == 0) {
        add_unit(text);
        state_ = State::plain;
    }
    return JsonStep::more;
}

void JsonStringReader::add_unit(std::string& text) {
    if (high_ != 0 && is_low(unit_)) {
        const char32_t high = std::exchange(high_, 0);
        append_utf8(text, 0x10000 + ((high - 0xD800) << 10) + (unit_ - 0xDC00));
        return;
    }
    end_pair(text);
    if (is_high(unit_)) {
        high_ = unit_;
    } else {
        append_utf8(text, is_low(unit_) ? U'\uFFFD' : unit_);
    }
}

void JsonStringReader::end_pair(std::string& text) {
    if (std::exchange(high_, 0) != 0) append_utf8(text, U'\uFFFD');
}

JsonStep JsonScanner::push(char byte) {
    switch (state_) {
        case State::string: return push_string(byte);
        case State::number: return push_number(byte);
        case State::word: return push_word(byte);
        default: break;
    }
    if (is_json_space(byte)) return JsonStep::more;
    switch (state_) {
        case State::first_item:
            if (byte == ']') return close();
            return begin_value(byte);
        case State::first_key:
            if (byte == '}') return close();
            return expect_key(byte);
        case State::key: return expect_key(byte);
        case State::colon:
            state_ = State::value;
            return byte == ':' ? JsonStep::more : JsonStep::broken;
        case State::after_value: return after_value(byte);
        default: return begin_value(byte);
    }
}

JsonStep JsonScanner::begin_value(char byte) {
    switch (byte) {
        case '{':
        case '[': return open(byte);
        case '"':
            string_is_key_ = false;
            string_ = {};
            state_ = State::string;
            return JsonStep::more;
        case 't': word_ = "rue"; break;
        case 'f': word_ = "alse"; break;
        case 'n': word_ = "ull"; break;
        default:
            if (byte != '-' && !is_digit(byte)) return JsonStep::broken;
            number_ = byte == '-' ? Number::minus : byte == '0' ? Number::zero : Number::digits;
            state_ = State::number;
            return JsonStep::more;
    }
    state_ = State::word;
    return JsonStep::more;
}

JsonStep JsonScanner::open(char byte) {
    if (depth_ == worker::json_depth_max) return JsonStep::broken;
    ++depth_;
    objects_ = (objects_ << 1) | (byte == '{' ? 1 : 0);
    state_ = byte == '{' ? State::first_key : State::first_item;
    return JsonStep::more;
}

JsonStep JsonScanner::after_value(char byte) {
    const bool in_object = (objects_ & 1) != 0;
    if (byte == ',') {
        state_ = in_object ? State::key : State::value;
        return JsonStep::more;
    }
    return byte == (in_object ? '}' : ']') ? close() : JsonStep::broken;
}

JsonStep JsonScanner::close() {
    --depth_;
    objects_ >>= 1;
    state_ = State::after_value;
    return depth_ == 0 ? JsonStep::complete : JsonStep::more;
}

JsonStep JsonScanner::expect_key(char byte) {
    if (byte != '"') return JsonStep::broken;
    string_is_key_ = true;
    string_ = {};
    state_ = State::string;
    return JsonStep::more;
}

JsonStep JsonScanner::push_string(char byte) {
    const JsonStep step = string_.push(byte, ignored_);
    ignored_.clear();
    if (step != JsonStep::complete) return step;
    state_ = string_is_key_ ? State::colon : State::after_value;
    return depth_ == 0 ? JsonStep::complete : JsonStep::more;
}

JsonStep JsonScanner::push_number(char byte) {
    using enum Number;
    const auto go_on = [this](Number next) {
        number_ = next;
        return JsonStep::more;
    };
    const bool is_e = byte == 'e' || byte == 'E';
    if (is_digit(byte)) {
        switch (number_) {
            case minus: return go_on(byte == '0' ? zero : digits);
            case zero: return JsonStep::broken;
            case point: return go_on(fraction);
            case e:
            case sign: return go_on(exponent);
            default: return JsonStep::more;
        }
    }
    if (byte == '.' && (number_ == zero || number_ == digits)) return go_on(point);
    if (is_e && (number_ == zero || number_ == digits || number_ == fraction)) return go_on(e);
    if ((byte == '+' || byte == '-') && number_ == e) return go_on(sign);

    const bool may_end =
        number_ == zero || number_ == digits || number_ == fraction || number_ == exponent;
    if (!may_end) return JsonStep::broken;
    if (depth_ == 0) return JsonStep::complete_before;
    state_ = State::after_value;
    return push(byte);
}

JsonStep JsonScanner::push_word(char byte) {
    if (byte != word_.front()) return JsonStep::broken;
    word_.remove_prefix(1);
    if (!word_.empty()) return JsonStep::more;
    state_ = State::after_value;
    return depth_ == 0 ? JsonStep::complete : JsonStep::more;
}

}  // namespace llm

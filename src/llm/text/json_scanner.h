#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace llm {

enum class JsonStep : std::uint8_t {
    more,             // The value goes on.
    complete,         // This byte is its last.
    complete_before,  // It ended before this byte, which is not a part of it: numbers only.
    broken,           // This byte cannot stand here.
};

// Space between the parts of a JSON text. Source: RFC 8259, section 2.
constexpr bool is_json_space(char byte) {
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

// The inside of a JSON string, byte by byte: what it stands for, as UTF-8. Lone surrogates become
// U+FFFD. Source: RFC 8259, section 7.
class JsonStringReader {
public:
    // Adds to `text` what `byte` completes; the closing quote completes the string.
    // Requires: the string is neither complete nor broken.
    JsonStep push(char byte, std::string& text);

private:
    JsonStep push_escaped(char byte, std::string& text);
    JsonStep push_hex(char byte, std::string& text);
    void add_unit(std::string& text);
    // The first half of a pair without its second.
    void end_pair(std::string& text);

    enum class State : std::uint8_t { plain, escape, hex };
    State state_ = State::plain;
    std::uint8_t hex_missing_ = 0;
    char32_t unit_ = 0;  // The UTF-16 unit that `\u` is spelling.
    char32_t high_ = 0;  // The first half of a surrogate pair that waits for its second, or 0.
};

// Follows one JSON value byte by byte, strictly, without keeping it: no bytes but those of RFC
// 8259, at most `json_depth_max` levels.
class JsonScanner {
public:
    // Space before the value belongs to it. Requires: the value is neither complete nor broken.
    JsonStep push(char byte);

private:
    JsonStep begin_value(char byte);
    JsonStep open(char byte);
    JsonStep after_value(char byte);
    JsonStep close();
    JsonStep expect_key(char byte);
    JsonStep push_string(char byte);
    JsonStep push_number(char byte);
    JsonStep push_word(char byte);

    enum class State : std::uint8_t {
        value,       // a value has to begin
        first_item,  // a value, or the end of the array
        first_key,   // a key, or the end of the object
        key,
        colon,
        after_value,
        string,
        number,
        word
    };
    enum class Number : std::uint8_t { minus, zero, digits, point, fraction, e, sign, exponent };

    State state_ = State::value;
    // Which of the open levels are objects; the innermost is the lowest bit.
    std::uint64_t objects_ = 0;
    std::uint32_t depth_ = 0;
    bool string_is_key_ = false;
    JsonStringReader string_;
    std::string ignored_;  // What strings stand for; emptied as it comes.
    Number number_ = Number::minus;
    std::string_view word_;  // What is missing of `true`, `false` or `null`.
};

}  // namespace llm

#include "llm/text/utf8_stream.h"

namespace llm {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
    std::string text;
    for (const char character : bytes) {
        const auto byte = static_cast<std::uint8_t>(character);
        if (bytes_missing_ > 0 && (byte < lower_ || byte > upper_)) {
            text += flush();  // The byte itself begins something new.
        }
        if (bytes_missing_ == 0) {
            begin(character, text);
            continue;
        }
        lower_ = 0x80;
        upper_ = 0xBF;
        held_ += character;
        if (--bytes_missing_ == 0) {
            text += held_;
            held_.clear();
        }
    }
    return text;
}

std::string Utf8Stream::flush() {
    if (bytes_missing_ == 0) return {};
    bytes_missing_ = 0;
    held_.clear();
    return std::string(replacement);
}

void Utf8Stream::begin(char character, std::string& text) {
    const auto byte = static_cast<std::uint8_t>(character);
    if (byte <= 0x7F) {
        text += character;
        return;
    }
    if (byte < 0xC2 || byte > 0xF4) {
        text += replacement;
        return;
    }
    bytes_missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    // Some second bytes would make an overlong form, a surrogate or a value over U+10FFFF.
    lower_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    upper_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    held_ = character;
}

}  // namespace llm

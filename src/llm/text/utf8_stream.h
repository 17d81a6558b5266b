#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace llm {

// Turns the bytes of pieces into whole UTF-8 characters: what goes out is valid UTF-8 after every
// call. Bytes that cannot be part of a character become U+FFFD, one for each maximal subpart.
// Source: WHATWG Encoding Standard, "UTF-8 decoder" (errors as replacement, no byte order mark).
class Utf8Stream {
public:
    // The characters that `bytes` completes. A character that is still incomplete is held back.
    std::string push(std::string_view bytes);

    // The end of the text: U+FFFD for an incomplete character, else nothing.
    std::string flush();

private:
    // The first byte of a character, or one that can only be replaced.
    void begin(char character, std::string& text);

    std::string held_;  // The bytes so far of an incomplete character; at most three.
    std::uint8_t bytes_missing_ = 0;
    // What the next byte of the character must lie in, both inclusive.
    std::uint8_t lower_ = 0x80;
    std::uint8_t upper_ = 0xBF;
};

}  // namespace llm

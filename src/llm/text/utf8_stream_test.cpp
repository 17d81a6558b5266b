#include "llm/text/utf8_stream.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace llm {
namespace {

const std::string bad = "\xEF\xBF\xBD";

// One text a call to `push`, and what `flush` gives as the last one.
void check(const std::vector<std::string>& pieces, const std::vector<std::string>& expected) {
    Utf8Stream stream;
    std::vector<std::string> actual;
    for (const std::string& piece : pieces) actual.push_back(stream.push(piece));
    actual.push_back(stream.flush());
    EXPECT_EQ(actual, expected);
}

TEST(Utf8StreamTest, passes_whole_characters_at_once) {
    check({"a", "é", "€", "😀"}, {"a", "é", "€", "😀", ""});
    check({"", "naïve"}, {"", "naïve", ""});
    check({std::string("\0", 1)}, {std::string("\0", 1), ""});
}

TEST(Utf8StreamTest, holds_back_an_incomplete_character) {
    check({"\xC3", "\xA9"}, {"", "é", ""});
    check({"a\xE2", "\x82",
           "\xAC"
           "b"},
          {"a", "", "€b", ""});
    check({"\xF0", "\x9F", "\x98", "\x80"}, {"", "", "", "😀", ""});
}

TEST(Utf8StreamTest, replaces_what_stays_incomplete) {
    check({"\xC3"}, {"", bad});
    check({"\xF0\x9F\x98"}, {"", bad});
    check({"\xE2\x82", "a"}, {"", bad + "a", ""});
    check({"\xE2\x82", "é"}, {"", bad + "é", ""});
}

TEST(Utf8StreamTest, replaces_each_maximal_subpart_once) {
    check({"\x80\xBF"}, {bad + bad, ""});                      // no first byte
    check({"\xC0\xAF"}, {bad + bad, ""});                      // overlong
    check({"\xE0\x80\xAF"}, {bad + bad + bad, ""});            // overlong
    check({"\xED\xA0\x80"}, {bad + bad + bad, ""});            // a surrogate
    check({"\xF4\x90\x80\x80"}, {bad + bad + bad + bad, ""});  // over U+10FFFF
    check({"\xFF\xF5"}, {bad + bad, ""});                      // never in UTF-8
    check({"\xF1\x80\x80\xE1\x80\xC2"}, {bad + bad, bad});     // cut short three times
    check({"\xEF\xBF\xBD"}, {bad, ""});                        // U+FFFD itself
}

// Decodes the whole text at once, by the definition in the Unicode Standard, table 3-7.
std::string decode(const std::string& bytes) {
    const auto in = [&](std::size_t at, unsigned lower, unsigned upper) {
        if (at >= bytes.size()) return false;
        const unsigned byte = static_cast<unsigned char>(bytes[at]);
        return byte >= lower && byte <= upper;
    };
    std::string text;
    for (std::size_t at = 0; at < bytes.size();) {
        std::size_t length = 1;
        bool whole = in(at, 0x00, 0x7F);
        const auto tail = [&](unsigned lower, unsigned upper, std::size_t wanted) {
            if (in(at + 1, lower, upper)) {
                length = 2;
                while (length < wanted && in(at + length, 0x80, 0xBF)) ++length;
            }
            whole = length == wanted;
        };
        if (in(at, 0xC2, 0xDF)) tail(0x80, 0xBF, 2);
        if (in(at, 0xE0, 0xE0)) tail(0xA0, 0xBF, 3);
        if (in(at, 0xE1, 0xEC) || in(at, 0xEE, 0xEF)) tail(0x80, 0xBF, 3);
        if (in(at, 0xED, 0xED)) tail(0x80, 0x9F, 3);
        if (in(at, 0xF0, 0xF0)) tail(0x90, 0xBF, 4);
        if (in(at, 0xF1, 0xF3)) tail(0x80, 0xBF, 4);
        if (in(at, 0xF4, 0xF4)) tail(0x80, 0x8F, 4);
        text += whole ? bytes.substr(at, length) : bad;
        at += length;
    }
    return text;
}

rc::Gen<std::string> fragment() {
    return rc::gen::weightedOneOf<std::string>(
        {{3,
          rc::gen::element<std::string>("a", "é", "€", "😀", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF")},
         {2, rc::gen::container<std::string>(rc::gen::cast<char>(rc::gen::inRange(0, 256)))},
         {2, rc::gen::element<std::string>("\xE2", "\x82", "\xF0\x9F", "\xED", "\xC3")}});
}

RC_GTEST_PROP(Utf8StreamTest, gives_what_decoding_the_whole_gives, ()) {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(fragment());
    Utf8Stream stream;
    std::string whole;
    std::string streamed;
    for (const std::string& piece : pieces) {
        whole += piece;
        const std::string text = stream.push(piece);
        RC_ASSERT(decode(text) == text);  // Valid on its own: never split inside a character.
        streamed += text;
    }
    streamed += stream.flush();
    RC_ASSERT(streamed == decode(whole));
}

}  // namespace
}  // namespace llm

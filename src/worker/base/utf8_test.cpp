#include "worker/base/utf8.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

void check_length(std::string_view text, std::size_t expected) {
    EXPECT_EQ(utf8_length(text), expected) << text;
}

TEST(Utf8Test, knows_well_formed_characters) {
    check_length("a", 1);
    check_length(std::string_view("\0", 1), 1);
    check_length("ü…", 2);
    check_length("…", 3);
    check_length("\ud7ff", 3);
    check_length("\ue000", 3);
    check_length("🐝", 4);
    check_length("\U0010ffff", 4);
}

TEST(Utf8Test, knows_ill_formed_characters) {
    check_length("", 0);
    check_length("\x80", 0);
    check_length("\xc3", 0);
    check_length("\xc3(", 0);
    check_length("\xc1\x81", 0);          // overlong
    check_length("\xe0\x80\x80", 0);      // overlong
    check_length("\xed\xa0\x80", 0);      // a surrogate
    check_length("\xf0\x80\x80\x80", 0);  // overlong
    check_length("\xf4\x90\x80\x80", 0);  // above U+10FFFF
    check_length("\xf5\x80\x80\x80", 0);
    check_length("\xf0\x9f\x90", 0);
}

TEST(Utf8Test, checks_whole_texts) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("für 🐝"));
    EXPECT_FALSE(is_utf8("für\xff"));
}

TEST(Utf8Test, counts_code_points) {
    EXPECT_EQ(count_characters(""), 0);
    EXPECT_EQ(count_characters("aü…🐝"), 4);
}

TEST(Utf8Test, cuts_between_characters) {
    EXPECT_EQ(first_characters("aü…🐝", 0), "");
    EXPECT_EQ(first_characters("aü…🐝", 2), "aü");
    EXPECT_EQ(first_characters("aü…🐝", 9), "aü…🐝");
    EXPECT_EQ(first_bytes("aü…", 0), "");
    EXPECT_EQ(first_bytes("aü…", 2), "a");
    EXPECT_EQ(first_bytes("aü…", 3), "aü");
    EXPECT_EQ(first_bytes("aü…", 5), "aü");
    EXPECT_EQ(first_bytes("aü…", 6), "aü…");
}

TEST(Utf8Test, replaces_what_is_ill_formed) {
    EXPECT_EQ(to_utf8("für 🐝"), "für 🐝");
    EXPECT_EQ(to_utf8("a\xff\xc3z"), "a\ufffd\ufffdz");
    EXPECT_EQ(to_utf8("\xe2\x80"), "\ufffd\ufffd");
}

}  // namespace
}  // namespace worker

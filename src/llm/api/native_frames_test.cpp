#include "llm/api/native_frames.h"

#include <gtest/gtest.h>

namespace llm {
namespace {

void check(std::string_view text, std::uint64_t index, std::string_view expected) {
    std::string out = "before|";
    append_token_frame(out, text, index);
    EXPECT_EQ(out, "before|" + std::string(expected));
}

TEST(NativeFramesTest, a_token_frame_is_text_and_index) {
    check("Hel", 0, "data: {\"type\":\"token\",\"t\":\"Hel\",\"i\":0}\n\n");
    check("", 18446744073709551615u,
          "data: {\"type\":\"token\",\"t\":\"\",\"i\":18446744073709551615}\n\n");
}

TEST(NativeFramesTest, a_newline_in_the_text_does_not_end_the_frame) {
    check("a\n\ndata: \"b\"\r", 1,
          "data: {\"type\":\"token\",\"t\":\"a\\n\\ndata: \\\"b\\\"\\r\",\"i\":1}\n\n");
}

}  // namespace
}  // namespace llm

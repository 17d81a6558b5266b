#include "worker/app/api_token.h"

#include "worker/app/config_fixture.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace worker {
namespace {

const std::string too_long(8193, 's');

TEST(ApiTokenTest, trims_a_token) {
    EXPECT_EQ(read_api_token(" s3cret\r\n").value(), "s3cret");
    EXPECT_EQ(read_api_token(std::string(8192, 's')).value().size(), 8192u);
}

TEST(ApiTokenTest, refuses_what_no_request_can_show) {
    const std::string limits = "a token has at most 8192 bytes and no control characters";
    EXPECT_EQ(read_api_token("").error().message, "the token is empty");
    EXPECT_EQ(read_api_token(" \n").error().message, "the token is empty");
    EXPECT_EQ(read_api_token("a\nb").error().message, limits);
    EXPECT_EQ(read_api_token(too_long).error().message, limits);
}

TEST(ApiTokenTest, reads_one_token_a_line) {
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
        {"one", {"one"}},
        {"one\n", {"one"}},
        {"one\r\n\r\n two \r\n", {"one", "two"}},
        {"\n\none", {"one"}},
    };
    for (const auto& [text, tokens] : cases) {
        const SettingsFile file(text);
        EXPECT_EQ(read_api_token_file(file.path()).value().tokens, tokens) << text;
    }
}

TEST(ApiTokenTest, refuses_files_without_a_usable_token) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "the token is empty; write one token a line"},
        {"\n \n", "the token is empty; write one token a line"},
        {"ok\na\tb\n", "line 2: a token has at most 8192 bytes and no control characters"},
        {std::string((1u << 20) + 1, '\n'), "is longer than 1 MiB"},
    };
    for (const auto& [text, message] : cases) {
        const SettingsFile file(text);
        const auto tokens = read_api_token_file(file.path());
        ASSERT_FALSE(tokens);
        EXPECT_EQ(tokens.error().message, message);
    }
    EXPECT_EQ(read_api_token_file("/nowhere/token").error().message,
              "cannot be read: No such file or directory");
    EXPECT_EQ(read_api_token_file("/dev/zero").error().message, "is not a regular file");
}

TEST(ApiTokenTest, tells_whether_others_can_read_the_file) {
    const SettingsFile file("s3cret");
    EXPECT_FALSE(read_api_token_file(file.path()).value().readable_by_others);
    std::filesystem::permissions(file.path(), std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    EXPECT_TRUE(read_api_token_file(file.path()).value().readable_by_others);
}

}  // namespace
}  // namespace worker

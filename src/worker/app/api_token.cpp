#include "worker/app/api_token.h"

#include "worker/app/small_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace worker {
namespace {

constexpr std::size_t token_bytes_max = 8192;
constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

Result<std::string> read_api_token(std::string_view text) {
    const std::string_view token = trimmed(text);
    if (token.empty()) return fail(ErrorCode::config_invalid, "the token is empty");
    if (token.size() > token_bytes_max || std::any_of(token.begin(), token.end(), is_control)) {
        return fail(ErrorCode::config_invalid,
                    "a token has at most 8192 bytes and no control characters");
    }
    return std::string(token);
}

Result<ApiTokenFile> read_api_token_file(const std::string& path) {
    const Result<std::string> text = read_small_file(path);
    if (!text) return fail(text.error());

    ApiTokenFile file;
    std::string_view rest = *text;
    for (int line = 1; !rest.empty(); ++line) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
        const std::string_view content = trimmed(rest.substr(0, end));
        rest.remove_prefix(end);
        if (content.empty()) continue;
        Result<std::string> token = read_api_token(content);
        if (!token) {
            return fail(token.error().code,
                        fmt::format("line {}: {}", line, token.error().message));
        }
        file.tokens.push_back(std::move(*token));
    }
    if (file.tokens.empty()) {
        return fail(ErrorCode::config_invalid, "the token is empty; write one token a line");
    }
    std::error_code ignored;  // The file has just been read; if it is gone, nobody can read it.
    const auto permissions = std::filesystem::status(path, ignored).permissions();
    file.readable_by_others =
        permissions != std::filesystem::perms::unknown &&
        (permissions & std::filesystem::perms::others_read) != std::filesystem::perms::none;
    return file;
}

}  // namespace worker

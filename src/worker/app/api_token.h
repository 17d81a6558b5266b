#pragma once

#include "worker/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace worker {

// `text` without the blanks around it. Source: wire contract, section 6 (Authorization).
// Errors: config_invalid when that is empty, longer than 8192 bytes or holds a control character.
// No message of this file quotes a token.
Result<std::string> read_api_token(std::string_view text);

struct ApiTokenFile {
    std::vector<std::string> tokens;  // at least one
    bool readable_by_others = false;
};

// One token a line; empty lines are skipped. Errors: config_invalid, without the path.
Result<ApiTokenFile> read_api_token_file(const std::string& path);

}  // namespace worker

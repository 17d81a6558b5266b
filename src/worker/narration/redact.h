#pragma once

#include <string>
#include <string_view>

namespace worker {

// `text` with [REDACTED] in place of bearer tokens, of the values of names that end in key, token,
// secret or password (name=value, name: value, "name":"value"), and of passwords in URLs. In doubt
// it takes too much. `token:ab12cd`, without a space, stays: that is how logs name a token by its
// digest. Source: wire contract, section 11.
std::string redact(std::string_view text);

}  // namespace worker

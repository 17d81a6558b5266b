#pragma once

#include "worker/base/json.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace llm {

// Appends one piece of text as an event: {"type":"token","t","i"}. The hot path of streaming.
// Requires: `text` is valid UTF-8. Source: wire contract, 4.4.
inline void append_token_frame(std::string& out, std::string_view text, std::uint64_t index) {
    out += R"(data: {"type":"token","t":)";
    worker::append_json_string(out, text);
    out += R"(,"i":)";
    out += std::to_string(index);
    out += "}\n\n";
}

}  // namespace llm

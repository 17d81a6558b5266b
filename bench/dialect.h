// How one asks each server, and what its frames say. The rest of the generator knows no server.
#pragma once

#include "bench/call_record.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

enum class Dialect : std::uint8_t {
    native,      // POST /v1/inference of llm-worker-rbee
    completion,  // POST /completion of llama-server
};

std::optional<Dialect> parse_dialect(std::string_view name);

std::string_view request_path(Dialect dialect);

// Greedy, streamed, and as long as was asked for whatever the model says.
std::string request_body(Dialect dialect, std::string_view prompt, std::uint32_t tokens_out);

// Takes what one "data:" line carries, at the time it arrived.
// Source: docs/api.md; llama.cpp, tools/server/README.md, "POST /completion".
void take_frame(Dialect dialect, std::string_view frame, SteadyTime now, CallRecord& record);

}  // namespace bench

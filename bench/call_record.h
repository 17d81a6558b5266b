#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

using SteadyTime = std::chrono::steady_clock::time_point;

// What became of one request.
struct CallRecord {
    SteadyTime sent = {};
    SteadyTime ended = {};
    std::vector<SteadyTime> text_times = {};  // when each frame with text had arrived
    std::string text = {};
    // As the server counts them.
    std::uint32_t tokens_out = 0;
    std::uint32_t prompt_tokens = 0;
    std::uint32_t cached_tokens = 0;  // of the prompt, that were not computed again
    bool complete = false;            // the stream said itself that it had ended
    std::string error = {};
};

}  // namespace bench

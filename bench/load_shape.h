#pragma once

#include "worker/base/result.h"

#include <cstdint>
#include <string_view>

namespace bench {

// What is asked of a server, by how many at once.
struct LoadShape {
    std::uint32_t clients = 1;       // each has one request under way
    std::uint32_t requests = 1;      // of each client, or conversations
    std::uint32_t turns = 1;         // of a conversation; each repeats all that was said before
    std::uint32_t shared_words = 0;  // that every prompt begins with
    std::uint32_t words = 100;       // of each prompt's own
    std::uint32_t words_later = 30;  // that a later turn adds
    std::uint32_t tokens_out = 64;
    // Open loop: clients × requests arrive at random times, however many are under way. 0: closed.
    double arrivals_per_second = 0;
    // A prompt that arrives while all clients are being answered. 0: none.
    std::uint32_t arriving_words = 0;
    std::uint32_t arriving_tokens_out = 8;
    std::uint32_t arrives_after_tokens = 64;  // of each client's first answer
    std::uint64_t seed = 1;
};

// A JSON object with fields as above; what is left out stays as it is above.
// Errors: invalid_json, config_invalid where a field is unknown or no number of its kind.
worker::Result<LoadShape> parse_load_shape(std::string_view json);

}  // namespace bench

#pragma once

#include "worker/base/error.h"

#include <cstdint>
#include <string>

namespace worker {

// {"code","message","retriable"}. Source: wire contract, 5.
std::string error_body(const Error& error);

// {"error":{"code","message"}}: a missing or wrong token. Source: wire contract, 6.
std::string api_key_error_body(const Error& error);

struct SlotCounts {
    std::uint32_t total = 0;
    std::uint32_t busy = 0;
};

// {"error":{"code","message","slots_total","slots_busy"}}: the queue is full.
// Source: wire contract, 5.
std::string all_slots_busy_body(const Error& error, SlotCounts slots);

}  // namespace worker

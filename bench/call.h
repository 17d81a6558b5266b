#pragma once

#include "bench/call_record.h"
#include "bench/dialect.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>

namespace bench {

struct Target {
    std::uint16_t port = 0;  // on this machine
    Dialect dialect = Dialect::native;
};

struct Ask {
    std::string prompt;
    std::uint32_t tokens_out = 0;
};

// Asks, and writes down what comes and when, until the reply is complete. A failure of any kind
// stands in the record. Requires: `record` outlives the call.
boost::asio::awaitable<void> call(Target target, Ask ask, CallRecord& record);

}  // namespace bench

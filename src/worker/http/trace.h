#pragma once

#include "worker/http/message.h"

#include <string>

namespace worker {

// What ties a request to the logs and to the other programs that serve it.
struct Trace {
    std::string correlation_id = {};
    std::string traceparent = {};  // as received; empty when absent or malformed
};

// The correlation id is the caller's X-Correlation-ID when that is a UUID; else the trace id of a
// valid traceparent in the form of one; else new.
// Source: wire contract, 6; W3C Trace Context, section 3.2.
Trace trace_of(const Fields& fields);

}  // namespace worker

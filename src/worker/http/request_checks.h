// What must hold of a request's head before its body is read. The parser lets through much that
// strict peers refuse, and two readers who disagree on where a request ends can be made to smuggle
// one past the other.
#pragma once

#include "worker/base/result.h"
#include "worker/http/message.h"

#include <optional>
#include <string>
#include <string_view>

namespace worker {

struct RequestHead {
    std::string method = {};
    std::string target = {};
    bool http_1_0 = false;
    bool keep_alive = true;  // what the client asks for
    Fields fields = {};
};

// Where the head at the front of `bytes` ends, its blank line included; nothing when more has to
// come. Errors: headers_too_large; bad_request as soon as no valid head can come of it.
Result<std::optional<std::size_t>> find_head_end(std::string_view bytes,
                                                 std::size_t head_bytes_max);

// Exactly one way to tell where the body ends, and at most one host. Source: RFC 9112, sections 3.2
// and 6.3. Errors: bad_request; the connection cannot be used any further.
Result<void> check_framing(const RequestHead& head);

// Requires: framing that passed.
bool has_body(const Fields& fields);

// Source: RFC 9110, section 10.1.1. Errors: expectation_failed.
Result<bool> expects_continue(const Fields& fields);

struct BodyRules {
    bool json;
    std::size_t bytes_max;
};

// Errors: unsupported_media_type, body_too_large.
Result<void> check_body_head(const Fields& fields, const BodyRules& rules);

}  // namespace worker

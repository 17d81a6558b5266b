#include "worker/http/trace.h"

#include "worker/base/ids.h"
#include "worker/http/tokens.h"

#include <string_view>

namespace worker {
namespace {

// version "-" trace-id "-" parent-id "-" flags; a later version may append more.
constexpr std::string_view shape = "vv-tttttttttttttttttttttttttttttttt-pppppppppppppppp-ff";
constexpr std::size_t trace_id_at = shape.find('t');
constexpr std::size_t trace_id_length = 32;
constexpr std::size_t parent_id_at = shape.find('p');
constexpr std::size_t parent_id_length = 16;

bool is_lower_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool is_zero(std::string_view digits) {
    return digits.find_first_not_of('0') == digits.npos;
}

bool is_traceparent(std::string_view text) {
    if (text.size() < shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == '-' ? text[i] != '-' : !is_lower_hex(text[i])) return false;
    }
    const std::string_view version = text.substr(0, 2);
    const bool has_more = text.size() > shape.size();
    if (version == "ff" || (has_more && (version == "00" || text[shape.size()] != '-'))) {
        return false;
    }
    return !is_zero(text.substr(trace_id_at, trace_id_length)) &&
           !is_zero(text.substr(parent_id_at, parent_id_length));
}

std::string as_uuid(std::string_view trace_id) {
    std::string id(trace_id);
    for (const std::size_t dash : {8, 13, 18, 23}) id.insert(dash, "-");
    return id;
}

}  // namespace

Trace trace_of(const Fields& fields) {
    const std::string_view given = fields.find("x-correlation-id").value_or("");
    std::string_view traceparent = fields.find("traceparent").value_or("");
    if (!is_traceparent(traceparent)) traceparent = {};
    Trace trace{.correlation_id = std::string(given), .traceparent = std::string(traceparent)};
    if (is_uuid(given)) return trace;
    trace.correlation_id =
        traceparent.empty() ? uuid_v4() : as_uuid(traceparent.substr(trace_id_at, trace_id_length));
    return trace;
}

}  // namespace worker

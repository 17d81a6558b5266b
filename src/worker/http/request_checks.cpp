#include "worker/http/request_checks.h"

#include "worker/base/quantities.h"
#include "worker/http/tokens.h"

#include <algorithm>
#include <cstdint>

namespace worker {
namespace {

// Source: RFC 9110, section 5.6.2.
bool is_token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Source: RFC 3986, section 3.2.2.
bool is_host_character(char c) {
    return (is_token_character(c) && c != '#' && c != '^' && c != '`' && c != '|') ||
           std::string_view("()=;:[]").find(c) != std::string_view::npos;
}

Result<void> check_host(const RequestHead& head) {
    const std::size_t hosts = head.fields.count("host");
    if (hosts > 1) return fail(ErrorCode::bad_request, "there must be one Host field");
    if (hosts == 0 && !head.http_1_0) {
        return fail(ErrorCode::bad_request, "the Host field is missing");
    }
    const std::string_view host = head.fields.find("host").value_or("");
    if (!std::all_of(host.begin(), host.end(), is_host_character)) {
        return fail(ErrorCode::bad_request, "the Host field is malformed");
    }
    return {};
}

Result<void> check_transfer_encoding(const RequestHead& head) {
    const std::size_t codings = head.fields.count("transfer-encoding");
    if (codings == 0) return {};
    if (head.http_1_0) {
        return fail(ErrorCode::bad_request, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (codings > 1 || !equals_ignoring_case(*head.fields.find("transfer-encoding"), "chunked")) {
        return fail(ErrorCode::bad_request, "the only Transfer-Encoding taken is chunked");
    }
    if (head.fields.count("content-length") != 0) {
        return fail(ErrorCode::bad_request,
                    "Content-Length and Transfer-Encoding exclude each other");
    }
    return {};
}

Result<void> check_content_length(const RequestHead& head) {
    const std::size_t lengths = head.fields.count("content-length");
    if (lengths == 0) return {};
    if (lengths > 1 || !parse_decimal(*head.fields.find("content-length"))) {
        return fail(ErrorCode::bad_request, "Content-Length must be one decimal number");
    }
    return {};
}

bool is_json(std::string_view content_type) {
    return equals_ignoring_case(trim(content_type.substr(0, content_type.find(';'))),
                                "application/json");
}

}  // namespace

Result<std::optional<std::size_t>> find_head_end(std::string_view bytes,
                                                 std::size_t head_bytes_max) {
    // Says so at once to a client that speaks TLS, or something else altogether.
    if (!bytes.empty() && !is_token_character(bytes.front())) {
        return fail(ErrorCode::bad_request, "this is not an HTTP request");
    }
    std::size_t line_begin = 0;
    for (;;) {
        const std::size_t line_feed = bytes.find('\n', line_begin);
        const std::size_t needed = line_feed == bytes.npos ? bytes.size() : line_feed + 1;
        if (needed > head_bytes_max) {
            return fail(
                ErrorCode::headers_too_large,
                "the request's head is larger than " + std::to_string(head_bytes_max) + " bytes");
        }
        if (line_feed == bytes.npos) return std::nullopt;
        if (line_feed == line_begin || bytes[line_feed - 1] != '\r') {
            return fail(ErrorCode::bad_request, "lines must end with CR LF");
        }
        if (line_feed - line_begin == 1) return line_feed + 1;
        if (bytes[line_begin] == ' ' || bytes[line_begin] == '\t') {
            return fail(ErrorCode::bad_request, "header fields must not be folded");
        }
        line_begin = line_feed + 1;
    }
}

Result<void> check_framing(const RequestHead& head) {
    Result<void> checked = check_host(head);
    if (checked) checked = check_transfer_encoding(head);
    if (checked) checked = check_content_length(head);
    return checked;
}

bool has_body(const Fields& fields) {
    return fields.count("transfer-encoding") != 0 ||
           parse_decimal(fields.find("content-length").value_or("")).value_or(0) != 0;
}

Result<bool> expects_continue(const Fields& fields) {
    const std::size_t expectations = fields.count("expect");
    if (expectations == 0) return false;
    if (expectations == 1 && equals_ignoring_case(*fields.find("expect"), "100-continue")) {
        return true;
    }
    return fail(ErrorCode::expectation_failed, "the only expectation met is 100-continue");
}

Result<void> check_body_head(const Fields& fields, const BodyRules& rules) {
    for (const auto& [name, value] : fields) {
        if (name == "content-encoding" && !equals_ignoring_case(value, "identity")) {
            return fail(ErrorCode::unsupported_media_type,
                        "send the body without Content-Encoding");
        }
    }
    if (rules.json && !is_json(fields.find("content-type").value_or(""))) {
        return fail(ErrorCode::unsupported_media_type,
                    "send the body as Content-Type: application/json");
    }
    const auto length = parse_decimal(fields.find("content-length").value_or(""));
    if (length.value_or(0) > rules.bytes_max) {
        return fail(ErrorCode::body_too_large,
                    "the body is larger than " + std::to_string(rules.bytes_max) + " bytes");
    }
    return {};
}

}  // namespace worker

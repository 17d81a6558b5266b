#include "worker/http/request_parser.h"

#include "worker/http/tokens.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <limits>

namespace worker {
namespace {

namespace http = boost::beast::http;

// What is left of any chunked body that is not complete: "0\r\n\r\n". The parser asserts that it
// sees no less of the last chunk, so it is not asked before.
constexpr std::size_t chunked_rest_bytes_min = 5;

std::string to_lower(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), to_lower_ascii);
    return lower;
}

std::string to_string(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

}  // namespace

struct RequestParser::Parser : http::request_parser<http::string_body> {};

RequestParser::RequestParser(std::size_t body_bytes_max)
    : parser_(std::make_unique<Parser>()), body_bytes_max_(body_bytes_max) {
    // The length of the head is `find_head_end`'s affair. That of the body waits until the head has
    // been judged: an unknown path is told so, however large the body that comes with it.
    parser_->header_limit(std::numeric_limits<std::uint32_t>::max());
    parser_->body_limit(boost::none);
}

RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

Result<RequestHead> RequestParser::take_head(std::string_view bytes) {
    boost::beast::error_code ec;
    parser_->put(boost::asio::buffer(bytes), ec);
    if (ec || !parser_->is_header_done()) {
        return fail(ErrorCode::bad_request, "the request's head is malformed: " + ec.message());
    }
    const http::request<http::string_body>& message = parser_->get();
    RequestHead head{.method = to_string(message.method_string()),
                     .target = to_string(message.target()),
                     .http_1_0 = message.version() == 10,
                     .keep_alive = parser_->keep_alive()};
    // Copied now: the parser would add a chunked body's trailers to them.
    for (const auto& field : message) {
        head.fields.add(to_lower(to_string(field.name_string())), to_string(field.value()));
    }
    return head;
}

Result<std::size_t> RequestParser::take_body(std::string_view bytes) {
    if (!parser_->eager()) {
        parser_->eager(true);
        parser_->body_limit(body_bytes_max_);
    }
    if (parser_->chunked() && bytes.size() < chunked_rest_bytes_min) return 0;
    boost::beast::error_code ec;
    const std::size_t taken = parser_->put(boost::asio::buffer(bytes), ec);
    if (!ec || ec == http::error::need_more) return taken;
    if (ec == http::error::body_limit) {
        return fail(ErrorCode::body_too_large,
                    "the body is larger than " + std::to_string(body_bytes_max_) + " bytes");
    }
    return fail(ErrorCode::bad_request, "the body is malformed: " + ec.message());
}

bool RequestParser::complete() const {
    return parser_->is_done();
}

std::string RequestParser::take() && {
    return std::move(parser_->get().body());
}

}  // namespace worker

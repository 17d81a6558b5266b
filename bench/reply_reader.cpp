#include "bench/reply_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <limits>
#include <utility>

namespace bench {

namespace http = boost::beast::http;

namespace {

// What is left of any chunked body that is not complete: "0\r\n\r\n". The parser asserts that it
// sees no less of the last chunk, so it is not asked before.
constexpr std::size_t chunked_rest_bytes_min = 5;

}  // namespace

struct ReplyReader::Parser {
    Parser() {
        reply.eager(true);
        reply.body_limit(std::numeric_limits<std::uint64_t>::max());
    }
    http::response_parser<http::string_body> reply;
};

ReplyReader::ReplyReader() : parser_(std::make_unique<Parser>()) {}
ReplyReader::~ReplyReader() = default;

bool ReplyReader::take(std::string_view bytes) {
    auto& reply = parser_->reply;
    input_ += bytes;
    while (!input_.empty() && !reply.is_done()) {
        const bool chunked = reply.is_header_done() && reply.chunked();
        if (chunked && input_.size() < chunked_rest_bytes_min) break;
        boost::system::error_code ec;
        const std::size_t taken = reply.put(boost::asio::buffer(input_), ec);
        input_.erase(0, taken);
        if (ec == http::error::need_more) break;
        if (ec) return false;
    }
    body_ += std::exchange(reply.get().body(), {});
    return true;
}

bool ReplyReader::complete() const {
    return parser_->reply.is_done();
}

unsigned ReplyReader::status() const {
    return parser_->reply.is_header_done() ? parser_->reply.get().result_int() : 0;
}

bool ReplyReader::next_line(std::string& line) {
    const std::size_t end = body_.find('\n');
    if (end == body_.npos && (body_.empty() || !complete())) return false;
    line = body_.substr(0, end);
    body_.erase(0, end == body_.npos ? end : end + 1);
    return true;
}

}  // namespace bench

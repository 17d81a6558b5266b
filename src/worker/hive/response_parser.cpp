#include "worker/hive/response_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace worker {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

namespace {

// What is left of any chunked body that is not complete: "0\r\n\r\n". The parser asserts that it
// sees no less of the last chunk, so it is not asked before.
constexpr std::size_t chunked_rest_bytes_min = 5;

// Whether a reply of HTTP/1 may begin so. The parser would wait for the end of a head.
bool may_be_reply(std::string_view begin) {
    constexpr std::string_view version = "HTTP/1.";
    return begin.substr(0, version.size()) == version.substr(0, begin.size());
}

tl::unexpected<Error> no_reply(const std::string& reason) {
    return fail(ErrorCode::hive_unreachable,
                "its reply is no HTTP that this worker reads: " + reason);
}

}  // namespace

// Keeps the status and the beginning of the body. Beast's own bodies reserve what Content-Length
// says.
struct ResponseParser::Parser final : http::basic_parser<false> {
    Parser() {
        header_limit(head_bytes_max);
        body_limit(boost::none);  // Counted by `take`: a large body is cut, not an error.
        eager(true);
    }

    std::size_t keep(string_view bytes) {
        const std::size_t room = HttpAnswer::body_bytes_max - kept.body.size();
        kept.body.append(bytes.data(), std::min(room, bytes.size()));
        return bytes.size();
    }

    void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
    void on_response_impl(int code, string_view, int, error_code&) override {
        kept.status = static_cast<unsigned>(code);
    }
    void on_field_impl(http::field, string_view, string_view, error_code&) override {}
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code&) override { return keep(body); }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
        return keep(body);
    }
    void on_finish_impl(error_code&) override {}

    HttpAnswer kept;
};

ResponseParser::ResponseParser() : parser_(std::make_unique<Parser>()) {}
ResponseParser::~ResponseParser() = default;

Result<ResponseParser::Progress> ResponseParser::take(std::string_view bytes) {
    input_ += bytes;
    if (parser_->is_header_done()) body_bytes_ += bytes.size();
    while (!input_.empty()) {
        const bool in_body = parser_->is_header_done();
        if (in_body && body_bytes_ > body_bytes_max) return Progress::complete;
        if (in_body && parser_->chunked() && input_.size() < chunked_rest_bytes_min) break;
        if (!in_body && !may_be_reply(input_)) return no_reply("bad version");
        error_code ec;
        const std::size_t taken = parser_->put(boost::asio::buffer(input_), ec);
        input_.erase(0, taken);
        if (ec == http::error::need_more) break;
        if (ec && parser_->is_header_done()) return Progress::complete;
        if (ec) return no_reply(ec.message());
        if (!parser_->is_done()) continue;
        if (parser_->kept.status / 100 != 1) return Progress::complete;
        if (++interim_replies_ > interim_replies_max) {
            return fail(ErrorCode::hive_unreachable, "it promises a reply again and again");
        }
        parser_ = std::make_unique<Parser>();
    }
    return Progress::wants_more;
}

std::optional<HttpAnswer> ResponseParser::answer() const {
    if (!parser_->is_header_done() || parser_->kept.status / 100 == 1) return std::nullopt;
    return parser_->kept;
}

}  // namespace worker

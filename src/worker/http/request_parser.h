#pragma once

#include "worker/base/result.h"
#include "worker/http/request_checks.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace worker {

// Bytes in, one request out: first its head, then its body, whether that comes in chunks or not.
class RequestParser {
public:
    explicit RequestParser(std::size_t body_bytes_max);
    ~RequestParser();
    RequestParser(RequestParser&&) noexcept;
    RequestParser& operator=(RequestParser&&) noexcept;

    // Requires: a head that ends where `find_head_end` says. Its framing is unchecked.
    // Errors: bad_request.
    Result<RequestHead> take_head(std::string_view bytes);

    // Takes what it can of the body from the front of `bytes` and answers how many bytes that was;
    // the caller offers the rest again, with more behind it.
    // Requires: a head with valid framing, not yet `complete`. Errors: bad_request, body_too_large.
    Result<std::size_t> take_body(std::string_view bytes);

    // The body is whole, trailers included (they are dropped).
    bool complete() const;
    std::string take() &&;

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
    std::size_t body_bytes_max_;
};

}  // namespace worker

#pragma once

#include "worker/base/result.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

struct HttpAnswer {
    unsigned status = 0;
    std::string body;  // at most its first `HttpAnswer::body_bytes_max`, for people

    static constexpr std::size_t body_bytes_max = 4u << 10;
    bool ok() const { return status / 100 == 2; }
};

// Reads one reply of a peer that may send anything, however it delimits the body. Nothing is
// allocated by what it claims. Source: RFC 9112.
class ResponseParser {
public:
    enum class Progress : std::uint8_t { wants_more, complete };

    static constexpr std::size_t head_bytes_max = 8u << 10;
    static constexpr std::size_t body_bytes_max = 64u << 10;  // what comes after it is left unread
    static constexpr int interim_replies_max = 8;             // 1xx

    ResponseParser();
    ~ResponseParser();
    ResponseParser(const ResponseParser&) = delete;
    ResponseParser& operator=(const ResponseParser&) = delete;

    // Takes what has arrived. Once the head is complete a broken body only ends the reading.
    // Errors: hive_unreachable with the reason alone. Requires: not complete.
    Result<Progress> take(std::string_view bytes);

    // Once the head is complete.
    std::optional<HttpAnswer> answer() const;

private:
    struct Parser;

    std::unique_ptr<Parser> parser_;
    std::string input_;  // received, not yet parsed
    std::size_t body_bytes_ = 0;
    int interim_replies_ = 0;
};

}  // namespace worker

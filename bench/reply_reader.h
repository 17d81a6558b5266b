#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace bench {

// Reads one streamed reply, and cuts its body into lines. Source: RFC 9112.
class ReplyReader {
public:
    ReplyReader();
    ~ReplyReader();
    ReplyReader(const ReplyReader&) = delete;
    ReplyReader& operator=(const ReplyReader&) = delete;

    // False where the bytes are no HTTP. Requires: not complete.
    bool take(std::string_view bytes);

    bool complete() const;
    unsigned status() const;  // 0 before the head is complete

    // The next whole line of the body, without its end; false where there is none yet. What comes
    // behind the last line break is a line once the reply is complete.
    bool next_line(std::string& line);

private:
    struct Parser;

    std::unique_ptr<Parser> parser_;
    std::string input_;  // received, not yet parsed
    std::string body_;   // parsed, not yet a line
};

}  // namespace bench

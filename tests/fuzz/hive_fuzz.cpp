// A hive may reply anything, in any pieces, and anything may be called a URL.
#include "worker/base/assert.h"
#include "worker/hive/response_parser.h"
#include "worker/hive/url.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using worker::ResponseParser;

void check_url(std::string_view text) {
    const auto url = worker::parse_url(text);
    if (!url) return;
    WORKER_ASSERT(!url->host.empty() && url->port != 0 && url->target.starts_with('/'));
    const auto is_blank = [](char c) { return c <= ' '; };
    WORKER_ASSERT(std::none_of(url->target.begin(), url->target.end(), is_blank));
    // What goes into a Host field names the same place.
    const auto again = worker::parse_url("http://" + url->place() + url->target);
    WORKER_ASSERT(again && again->place() == url->place() && again->target == url->target);
}

// Its first byte says how many bytes come at a time.
void check_reply(std::string_view bytes) {
    const std::size_t step = 1 + static_cast<unsigned char>(bytes[0]);
    ResponseParser parser;
    for (std::size_t at = 1; at < bytes.size(); at += step) {
        const auto progress = parser.take(bytes.substr(at, step));
        if (!progress || *progress == ResponseParser::Progress::complete) break;
    }
    const auto answer = parser.answer();
    if (answer) WORKER_ASSERT(answer->body.size() <= worker::HttpAnswer::body_bytes_max);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(bytes), size);
    check_url(input);
    if (!input.empty()) check_reply(input);
    return 0;
}

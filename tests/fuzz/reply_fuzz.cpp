// Whatever a model says, in whatever pieces: its reply is read the same, and no text is lost.
#include "llm/text/reply_parser.h"
#include "llm/text/reply_transcript.h"
#include "worker/base/assert.h"
#include "worker/base/utf8.h"

#include <boost/json/object.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

using llm::ReplyDelta;

const std::vector<llm::Tool>& tools() {
    static const std::vector<llm::Tool> known = {
        {.name = "f", .parameters = {{{"properties", {{"t", {{"type", "string"}}}}}}}},
        {.name = "g"}};
    return known;
}

struct Reply {
    std::string transcript;
    std::string content;
    bool has_calls = false;
};

Reply parse(const llm::ReplyParser::Settings& settings, std::string_view text,
            std::size_t piece_bytes) {
    llm::ReplyParser parser(settings);
    std::vector<ReplyDelta> deltas;
    while (!text.empty()) {
        std::size_t bytes = std::min(piece_bytes, text.size());
        while (!worker::is_utf8(text.substr(0, bytes))) ++bytes;
        parser.push(text.substr(0, bytes), deltas);
        text.remove_prefix(bytes);
    }
    parser.finish(deltas);

    Reply reply{.transcript = llm::reply_transcript(deltas),
                .content = {},
                .has_calls = parser.has_calls()};
    for (const ReplyDelta& delta : deltas) {
        if (const auto* content = std::get_if<llm::ContentDelta>(&delta)) {
            reply.content += content->text;
        }
        if (const auto* arguments = std::get_if<llm::ToolCallArguments>(&delta)) {
            WORKER_ASSERT(worker::is_utf8(arguments->text));
        }
    }
    WORKER_ASSERT(worker::is_utf8(reply.content));
    return reply;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) return 0;
    const std::string text =
        worker::to_utf8(std::string_view(reinterpret_cast<const char*>(bytes + 2), size - 2));
    const bool reasons = (bytes[1] & 0x40) != 0;
    const llm::ReplyParser::Settings settings = {
        .tool_format = static_cast<llm::ToolFormat>(bytes[0] % 10),
        .tools = tools(),
        .reasoning = reasons ? llm::ReasoningFormat::think : llm::ReasoningFormat::none,
        .start = (bytes[1] & 0x80) != 0 ? llm::ReplyStart::inside : llm::ReplyStart::outside};

    const Reply whole = parse(settings, text, text.size() + 1);
    const Reply pieces = parse(settings, text, (bytes[1] & 0x3Fu) + 1);
    WORKER_ASSERT(whole.transcript == pieces.transcript);
    WORKER_ASSERT(whole.has_calls || reasons || whole.content == text);
    return 0;
}

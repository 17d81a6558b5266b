// Whatever a model, a caller or a library says, an event stays one frame that says the same.
#include "llm/api/native_frames.h"
#include "worker/base/assert.h"
#include "worker/base/json.h"
#include "worker/base/utf8.h"
#include "worker/contract/event_frames.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

// The data of a frame, after checking that a client reads `wire` as exactly one.
std::string_view data_of(std::string_view wire) {
    WORKER_ASSERT(wire.starts_with("data: ") && wire.ends_with("\n\n"));
    const std::string_view data = wire.substr(6, wire.size() - 8);
    WORKER_ASSERT(data.find_first_of("\r\n") == std::string_view::npos);
    return data;
}

void check_field(std::string_view wire, std::string_view key, std::string_view expected) {
    const auto json = worker::parse_json(data_of(wire));
    WORKER_ASSERT(json.has_value());
    WORKER_ASSERT(std::string_view(json->at(key).as_string()) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view raw(reinterpret_cast<const char*>(bytes), size);
    const std::string text = worker::to_utf8(raw);
    WORKER_ASSERT(!worker::is_utf8(raw) || text == raw);

    // Token text is UTF-8 by the time it gets here; still, no other bytes may break the stream.
    std::string token;
    llm::append_token_frame(token, text, size);
    check_field(token, "t", text);
    std::string broken_token;
    llm::append_token_frame(broken_token, raw, size);
    data_of(broken_token);

    check_field(worker::to_frame(worker::StartedFrame{
                    .job_id = raw, .model = raw, .started_at = {}, .seed = size}),
                "model", text);
    check_field(worker::to_frame(worker::NarrationFrame{
                    .actor = raw, .action = raw, .target = raw, .human = raw, .cute = raw}),
                "cute", text);
    check_field(worker::to_frame(worker::EndFrame{.tokens_out = 1,
                                                  .decode_time = {},
                                                  .stop_reason = "STOP_SEQUENCE",
                                                  .stop_sequence_matched = raw}),
                "stop_sequence_matched", text);
    check_field(worker::to_frame(worker::Error{worker::ErrorCode::cancelled, std::string(raw)}),
                "message", text);
    WORKER_ASSERT(data_of(worker::error_marker(raw)).starts_with("[ERROR] "));
    return 0;
}

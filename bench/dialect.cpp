#include "bench/dialect.h"

#include "worker/base/json.h"
#include "worker/contract/json_object.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace bench {

namespace {

using boost::json::object;

// 0 where it is absent.
std::uint32_t count(const object& frame, std::string_view name) {
    const auto* value = frame.if_contains(name);
    boost::system::error_code ec;
    const auto number = value != nullptr ? value->to_number<std::uint32_t>(ec) : 0;
    return ec ? 0 : number;
}

std::string_view text(const object& frame, std::string_view name) {
    const auto* value = frame.if_contains(name);
    const auto* string = value != nullptr ? value->if_string() : nullptr;
    return string != nullptr ? std::string_view(*string) : std::string_view();
}

void take_text(std::string_view piece, SteadyTime now, CallRecord& record) {
    if (piece.empty()) return;
    record.text += piece;
    record.text_times.push_back(now);
}

void take_native(const object& frame, SteadyTime now, CallRecord& record) {
    const std::string_view type = text(frame, "type");
    if (type == "token") {
        take_text(text(frame, "t"), now, record);
    } else if (type == "error") {
        record.error = boost::json::serialize(frame);
    } else if (type == "end") {
        record.complete = true;
        record.tokens_out = count(frame, "tokens_out");
        record.prompt_tokens = count(frame, "tokens_in");
    }
}

void take_completion(const object& frame, SteadyTime now, CallRecord& record) {
    take_text(text(frame, "content"), now, record);
    if (frame.contains("error")) record.error = boost::json::serialize(frame);
    const auto* stop = frame.if_contains("stop");
    if (stop == nullptr || !stop->is_bool() || !stop->get_bool()) return;
    record.complete = true;
    record.tokens_out = count(frame, "tokens_predicted");
    record.prompt_tokens = count(frame, "tokens_evaluated");
    // The frame's own "tokens_cached" is the slot's length at the end, the answer included.
    const auto* timings = frame.if_contains("timings");
    if (timings != nullptr && timings->is_object())
        record.cached_tokens = count(timings->get_object(), "cache_n");
}

}  // namespace

std::optional<Dialect> parse_dialect(std::string_view name) {
    if (name == "native") return Dialect::native;
    if (name == "completion") return Dialect::completion;
    return std::nullopt;
}

std::string_view request_path(Dialect dialect) {
    return dialect == Dialect::native ? "/v1/inference" : "/completion";
}

std::string request_body(Dialect dialect, std::string_view prompt, std::uint32_t tokens_out) {
    worker::JsonObject body;
    body.add("prompt", prompt).add("stream", true).add("temperature", 0).add("ignore_eos", true);
    if (dialect == Dialect::native) return body.add("max_tokens", tokens_out).text();
    return body.add("n_predict", tokens_out).add("cache_prompt", true).text();
}

void take_frame(Dialect dialect, std::string_view frame, SteadyTime now, CallRecord& record) {
    if (frame == "[DONE]") return;
    const auto json = worker::parse_json(frame);
    if (!json || !json->is_object()) {
        record.error = "a frame that is no JSON object: " + std::string(frame);
        return;
    }
    if (dialect == Dialect::native) {
        take_native(json->get_object(), now, record);
    } else {
        take_completion(json->get_object(), now, record);
    }
}

}  // namespace bench

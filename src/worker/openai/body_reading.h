// From the bytes of a body to what it asks for, on the thread that suits its size.
#pragma once

#include "worker/base/json.h"
#include "worker/http/message.h"
#include "worker/openai/openai_error.h"
#include "worker/scheduler/codec_thread.h"

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace worker {

template <class Value>
using BodyRead = tl::expected<Value, OpenAiError>;

// What a body means. Owns or shares all that it needs: its work may outlive the connection.
// Thread: any.
template <class Value>
using BodyReading = std::function<BodyRead<Value>(const boost::json::value& body)>;

// Whether a body takes long, however small it is.
using TakesLong = bool (*)(const boost::json::value& body);

inline bool never_long(const boost::json::value&) {
    return false;
}

template <class Value>
boost::asio::awaitable<BodyRead<Value>> read_at_once(BodyRead<Value> value) {
    co_return value;
}

template <class Value>
boost::asio::awaitable<BodyRead<Value>> read_on_codec(CodecThread& codec,
                                                      std::function<BodyRead<Value>()> reading) {
    auto work = [reading = std::move(reading)]() -> Result<BodyRead<Value>> { return reading(); };
    auto value = co_await codec.run(std::move(work));
    if (!value) co_return tl::make_unexpected(openai_error(value.error()));
    co_return std::move(*value);
}

// Takes the body out of `request`. Errors: the reading's own, and those of `parse_json` and of
// `CodecThread::run`. Thread: io.
template <class Value>
boost::asio::awaitable<BodyRead<Value>> read_body(Request& request, CodecThread& codec,
                                                  BodyReading<Value> reading,
                                                  TakesLong takes_long = never_long) {
    // The work owns its input: the client, and its coroutine with it, may leave meanwhile.
    if (request.body.size() > inline_body_bytes) {
        auto body = std::make_shared<const std::string>(std::move(request.body));
        return read_on_codec<Value>(codec, [body, reading]() -> BodyRead<Value> {
            const auto json = parse_json(*body);
            if (!json) return tl::make_unexpected(openai_error(json.error()));
            return reading(*json);
        });
    }
    auto json = parse_json(request.body);
    if (!json) return read_at_once<Value>(tl::make_unexpected(openai_error(json.error())));
    if (!takes_long(*json)) return read_at_once(reading(*json));
    auto body = std::make_shared<const boost::json::value>(std::move(*json));
    return read_on_codec<Value>(codec, [body, reading] { return reading(*body); });
}

}  // namespace worker

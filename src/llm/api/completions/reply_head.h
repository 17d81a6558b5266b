#pragma once

#include "worker/contract/json_object.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace llm {

// What OpenAI's objects begin with.
struct ReplyHead {
    std::string id;            // "chatcmpl-…"
    std::int64_t created = 0;  // seconds since 1970
    std::string model;         // as the worker calls it
    std::string system_fingerprint;
    std::string x_ignored = {};  // JSON; empty where nothing was ignored

    // {"id","object","created","model","system_fingerprint"}, to be gone on with.
    worker::JsonObject json(std::string_view object) const {
        return worker::JsonObject()
            .add("id", id)
            .add("object", object)
            .add("created", created)
            .add("model", model)
            .add("system_fingerprint", system_fingerprint);
    }
};

// Whether the last frame tells the usage of all choices, and the others that it will come.
enum class StreamUsage : std::uint8_t { hidden, shown };

}  // namespace llm

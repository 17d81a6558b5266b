#pragma once

#include "worker/contract/json_object.h"
#include "worker/engine/event.h"

#include <algorithm>
#include <cstdint>

namespace llm {

// The tokens of one reply. A prompt counts once, however many choices go on from it.
struct Usage {
    std::uint64_t prompt_tokens = 0;
    std::uint64_t cached_tokens = 0;
    std::uint64_t completion_tokens = 0;
    std::uint64_t reasoning_tokens = 0;

    // Source: OpenAI, the usage object. Drafts are not reported by this worker.
    worker::JsonObject json() const {
        return worker::JsonObject()
            .add("prompt_tokens", prompt_tokens)
            .add("completion_tokens", completion_tokens)
            .add("total_tokens", prompt_tokens + completion_tokens)
            .add("prompt_tokens_details", worker::JsonObject().add("cached_tokens", cached_tokens))
            .add("completion_tokens_details", worker::JsonObject()
                                                  .add("reasoning_tokens", reasoning_tokens)
                                                  .add("accepted_prediction_tokens", 0)
                                                  .add("rejected_prediction_tokens", 0));
    }
};

}  // namespace llm

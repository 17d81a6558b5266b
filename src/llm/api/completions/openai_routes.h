#pragma once

#include "llm/api/text_service.h"
#include "worker/http/router.h"
#include "worker/openai/model_routes.h"

#include <cstdint>

namespace llm {

struct OpenAiSettings {
    worker::ModelNames model;
    bool use_model_defaults = false;  // the model's sampling values where a request is silent
    std::uint32_t stop_strings_max = 4;
    std::uint32_t parallel = 1;
    std::uint32_t jobs_max = 1;  // that the worker holds at all, running and waiting
};

// Chats, completions, models, and the tokeniser, under /v1 and /openai/v1. Whoever asks for
// embeddings hears what to use instead.
// Source: OpenAI, API reference; wire contract, 8. Requires: `service` outlives the router.
void add_openai_routes(worker::Router& router, TextService& service,
                       const OpenAiSettings& settings);

}  // namespace llm

#pragma once

#include "llm/api/text_service.h"
#include "worker/http/router.h"

namespace llm {

// POST /tokenize and /detokenize, under /v1 and /openai/v1 too.
// Source: llama.cpp, tools/server/README.md, whose clients these routes serve. Requires: `service`
// outlives the router.
void add_tokenizer_routes(worker::Router& router, TextService& service);

}  // namespace llm

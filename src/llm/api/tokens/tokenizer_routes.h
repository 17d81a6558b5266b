#pragma once

#include "llm/model/vocabulary.h"
#include "worker/http/router.h"
#include "worker/scheduler/codec_thread.h"

#include <functional>
#include <memory>

namespace llm {

// Outlives the server.
struct TokenizerParts {
    worker::CodecThread& codec;
    std::function<std::shared_ptr<const Vocabulary>()> vocabulary;  // null while the model loads
};

// POST /tokenize and /detokenize, under /v1 and /openai/v1 too.
// Source: llama.cpp, tools/server/README.md, whose clients these routes serve.
void add_tokenizer_routes(worker::Router& router, TokenizerParts parts);

}  // namespace llm

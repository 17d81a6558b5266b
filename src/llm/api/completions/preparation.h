#pragma once

#include "llm/api/completions/choices_reply.h"
#include "llm/api/completions/openai_routes.h"
#include "llm/api/completions/reply_grammar.h"
#include "llm/api/completions/reply_head.h"
#include "llm/api/openai/generation_request.h"
#include "llm/batching/text_job.h"
#include "worker/base/clock.h"
#include "worker/openai/openai_error.h"
#include "worker/openai/plain_answer.h"

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llm {

// What bodies are read by. Owns or shares all of it: work on a body may outlive its connection.
struct PreparationContext {
    TextModelView model;
    std::shared_ptr<const OpenAiSettings> settings;
    std::string model_ref;
    worker::Clock::WallTime now;
};

// A body that can run: its jobs, a choice each, and the shape of their reply.
struct Prepared {
    GenerationRequest generation = {};
    std::vector<GenerateJob> jobs = {};
    std::optional<ReplyGrammar> grammar = {};  // that each reply has to follow
    std::string id = {};                       // "chatcmpl-…"
    std::string prompt_text = {};
    std::unique_ptr<ChoicesReply> reply = {};
};
using Preparation = tl::expected<Prepared, worker::OpenAiError>;

// Errors: what is wrong with the body, or with the prompt for this model. Thread: any.
Preparation prepare_chat(const boost::json::value& body, const PreparationContext& context);
Preparation prepare_completion(const boost::json::value& body, const PreparationContext& context);

// A chat's prompt alone: {"prompt","tokens","prompt_tokens"}. Errors: as `prepare_chat`.
tl::expected<worker::PlainAnswer, worker::OpenAiError> render_chat(
    const boost::json::value& body, const PreparationContext& context);

}  // namespace llm

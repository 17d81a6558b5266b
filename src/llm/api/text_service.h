#pragma once

#include "llm/batching/text_job.h"
#include "llm/model/model_card.h"
#include "llm/model/vocabulary.h"
#include "worker/http/job_service.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace llm {

class ChatFormat;
class LazyGrammars;

// The model as requests see it. Immutable; set once the model is loaded.
struct TextModelView {
    std::shared_ptr<const Vocabulary> vocabulary;
    std::uint32_t context_max = 0;  // tokens in one sequence
    ModelCard card = {};
    std::shared_ptr<const ChatFormat> chat = {};  // none: the model has no chat template
    std::shared_ptr<LazyGrammars> grammars = {};
    std::string fingerprint = {};  // of worker, engine and model: what a reply may depend on
    std::int64_t loaded_at = 0;    // seconds since 1970
};

// What every route that generates text needs. Outlives the server. Thread: io.
struct TextService : worker::JobService<GenerateJob, TextOutput> {
    TextModelView model = {};
};

// What is said of a prompt that leaves no room for a reply.
worker::Error too_long(std::size_t prompt_tokens, std::uint32_t context_max);

// Errors: invalid_request when the prompt and one more token do not fit the context, or when it
// has no tokens.
Result<void> check_fits(const std::vector<Token>& prompt, std::uint32_t context_max);

}  // namespace llm

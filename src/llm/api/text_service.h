#pragma once

#include "llm/batching/text_job.h"
#include "llm/model/model_card.h"
#include "llm/model/vocabulary.h"
#include "worker/base/clock.h"
#include "worker/base/log.h"
#include "worker/scheduler/codec_thread.h"
#include "worker/scheduler/job_store.h"
#include "worker/scheduler/scheduler.h"
#include "worker/scheduler/status_board.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

using TextScheduler = worker::Scheduler<GenerateJob, TextOutput>;
using TextJobs = worker::JobStore<GenerateJob, TextOutput>;

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
struct TextService {
    TextScheduler& scheduler;
    TextJobs& jobs;
    worker::CodecThread& codec;
    const worker::StatusBoard& board;
    const worker::Clock& clock;
    worker::Log& log;
    std::string model_ref;
    std::chrono::milliseconds request_timeout;
    bool log_content = false;  // prompts in the log
    TextModelView model = {};
};

// What is said of a prompt that leaves no room for a reply.
worker::Error too_long(std::size_t prompt_tokens, std::uint32_t context_max);

// Errors: invalid_request when the prompt and one more token do not fit the context, or when it
// has no tokens.
Result<void> check_fits(const std::vector<Token>& prompt, std::uint32_t context_max);

}  // namespace llm

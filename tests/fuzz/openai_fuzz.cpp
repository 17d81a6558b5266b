// Whatever is sent to OpenAI's routes becomes a request within its limits, or an error that can be
// told.
#include "embedding/api/embeddings_request.h"
#include "llm/api/openai/chat_request.h"
#include "llm/api/openai/completion_request.h"
#include "worker/base/assert.h"
#include "worker/base/json.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

constexpr llm::RequestLimits limits = {.vocabulary_size = 100,
                                       .context_tokens = 64,
                                       .parallel = 4,
                                       .stop_strings_max = 4,
                                       .prompts_max = 3,
                                       .fill_in_middle = true};

void check(const worker::OpenAiError& error) {
    WORKER_ASSERT(error.status == 400 && !error.message.empty());
    WORKER_ASSERT(worker::parse_json(worker::openai_error_body(error)).has_value());
}

void check(const llm::GenerationRequest& request) {
    WORKER_ASSERT(request.n >= 1 && request.n <= limits.parallel);
    WORKER_ASSERT(request.stop.size() <= limits.stop_strings_max);
    WORKER_ASSERT(!request.max_tokens || *request.max_tokens <= limits.context_tokens);
    for (const llm::Token token : request.stop_token_ids) WORKER_ASSERT(token >= 0 && token < 100);
    for (const llm::LogitBias& bias : request.logit_bias)
        WORKER_ASSERT(bias.token >= 0 && bias.token < 100);
    WORKER_ASSERT(request.ignored.size() <= worker::ignored_max + 1);
}

void check(const embedding::EmbeddingsRequest& request) {
    WORKER_ASSERT(!request.inputs.empty());
    WORKER_ASSERT(!request.dimensions || (*request.dimensions >= 1 && *request.dimensions <= 8));
    for (const llm::TextOrTokens& input : request.inputs) {
        if (const auto* text = std::get_if<std::string>(&input)) {
            WORKER_ASSERT(!text->empty());
            continue;
        }
        const auto& tokens = std::get<std::vector<llm::Token>>(input);
        WORKER_ASSERT(!tokens.empty());
        for (const llm::Token token : tokens) WORKER_ASSERT(token >= 0 && token < 100);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto body =
        worker::parse_json(std::string_view(reinterpret_cast<const char*>(bytes), size));
    if (!body) return 0;
    const auto chat = llm::parse_chat_request(*body, limits);
    if (chat) {
        check(chat->generation);
        WORKER_ASSERT(!chat->messages.empty());
        for (const boost::json::value& message : chat->messages)
            WORKER_ASSERT(message.at("content").is_string() || message.at("content").is_null());
    } else {
        check(chat.error());
    }
    const auto completion = llm::parse_completion_request(*body, limits);
    if (completion) {
        check(completion->generation);
        WORKER_ASSERT(!completion->prompts.empty());
    } else {
        check(completion.error());
    }
    const auto embeddings =
        embedding::parse_embeddings_request(*body, {.vocabulary_size = 100, .dimensions = 8});
    if (embeddings)
        check(*embeddings);
    else
        check(embeddings.error());
    return 0;
}

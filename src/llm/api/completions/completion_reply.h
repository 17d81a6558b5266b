#pragma once

#include "llm/api/completions/choices_reply.h"
#include "llm/api/completions/reply_head.h"
#include "llm/api/completions/usage.h"
#include "llm/model/vocabulary.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

// The reply to prompts: `text_completion`, streamed or whole. The jobs are those of the first
// prompt, then those of the second, and so on. Source: OpenAI, the completion object.
class CompletionReply final : public ChoicesReply {
public:
    struct Settings {
        ReplyHead head;
        std::vector<std::string> echoes;  // a prompt each: what its replies begin with
        std::uint32_t n = 1;              // told of each prompt
        std::uint32_t best_of = 1;        // jobs of each prompt
        TokenDetail detail = TokenDetail::none;
        bool logprobs = false;   // told, also of what is echoed; `detail` is `logprobs` then
        bool token_ids = false;  // told; `detail` is not `none` then
        StreamUsage stream_usage = StreamUsage::hidden;
        std::shared_ptr<const Vocabulary> vocabulary;
    };

    explicit CompletionReply(Settings settings);

    std::string stream_begin() override;
    std::string take(std::size_t job, worker::Event<TextOutput> event) override;
    std::string stream_end() override;
    std::string body() override;

private:
    struct Choice {
        std::string text = {};
        std::vector<Logprobs> details = {};
        std::vector<Logprobs> prompt_details = {};
        std::size_t offset = 0;  // characters told so far
        std::string_view finish_reason = {};
    };
    struct Part {
        std::string_view text;
        const std::vector<Logprobs>& details;
        std::string_view finish_reason;  // empty: not yet
    };

    void count(const worker::Ended& ended, std::size_t job);
    worker::JsonObject choice_json(std::size_t index, Choice& choice, const Part& part) const;
    std::string chunk(std::size_t job, const Part& part);
    // The `n` of a prompt's jobs that the reply tells, in order.
    std::vector<std::size_t> told_of(std::size_t prompt) const;

    const Settings settings_;
    std::vector<Choice> choices_;  // a job each
    Usage usage_;
    std::string x_ignored_;  // not told yet
    bool streams_ = false;   // nothing is kept for `body`
};

}  // namespace llm

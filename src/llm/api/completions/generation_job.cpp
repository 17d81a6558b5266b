#include "llm/api/completions/generation_job.h"

#include "worker/base/ids.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace llm {

namespace {

// A word begins a text or follows a space, and is other tokens then.
// Source: vLLM, `SamplingParams.update_from_tokenizer`.
Result<void> add_bad_word(const std::string& word, const Vocabulary& vocabulary,
                          std::vector<std::vector<Token>>& words) {
    for (const std::string& spelling : {word, " " + word}) {
        auto tokens = vocabulary.tokenize(spelling, SpecialTokens::as_text, LeadingToken::none);
        if (!tokens) return worker::fail(std::move(tokens.error()));
        if (!tokens->empty() && std::ranges::find(words, *tokens) == words.end())
            words.push_back(std::move(*tokens));
    }
    return {};
}

std::uint64_t seed_of(const GenerationRequest& request, std::uint32_t choice) {
    return request.seed ? static_cast<std::uint64_t>(*request.seed) + choice : worker::random_u64();
}

}  // namespace

Result<GenerateJob> generation_job(const GenerationRequest& request, std::uint32_t choice,
                                   const Vocabulary& vocabulary) {
    GenerateJob job;
    // The end of the context is an end in any case.
    job.max_tokens = request.max_tokens.value_or(std::numeric_limits<std::uint32_t>::max());
    job.sampling = {.temperature = request.temperature,
                    .top_p = request.top_p,
                    .min_p = request.min_p,
                    .repetition_penalty = request.repetition_penalty,
                    .top_k = request.top_k,
                    .repeat_last_n = request.repeat_last_n,
                    .seed = seed_of(request, choice),
                    .presence_penalty = request.presence_penalty,
                    .frequency_penalty = request.frequency_penalty,
                    .logit_bias = request.logit_bias};
    job.stop = request.stop;
    job.ignore_eos = request.ignore_eos;
    job.min_tokens = request.min_tokens;
    job.stop_tokens = request.stop_token_ids;
    job.priority = request.priority;
    for (const std::string& word : request.bad_words)
        if (auto added = add_bad_word(word, vocabulary, job.bad_words); !added)
            return worker::fail(std::move(added.error()));
    return job;
}

}  // namespace llm

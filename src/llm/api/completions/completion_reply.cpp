#include "llm/api/completions/completion_reply.h"

#include "llm/api/completions/logprobs_json.h"
#include "worker/base/utf8.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>
#include <variant>

namespace llm {

using worker::JsonObject;

namespace {

// How likely the model finds a whole reply, whatever its length: the mean over its tokens.
// Source: OpenAI, `best_of`: "the one with the highest log probability per token".
double mean_logprob(const std::vector<Logprobs>& tokens) {
    if (tokens.empty()) return 0;
    const auto add = [](double sum, const Logprobs& each) { return sum + each.chosen.logprob; };
    return std::accumulate(tokens.begin(), tokens.end(), 0.0, add) /
           static_cast<double>(tokens.size());
}

std::vector<Logprobs> joined(std::vector<Logprobs> first, std::vector<Logprobs> second) {
    first.insert(first.end(), std::make_move_iterator(second.begin()),
                 std::make_move_iterator(second.end()));
    return first;
}

}  // namespace

CompletionReply::CompletionReply(Settings settings)
    : settings_(std::move(settings)),
      choices_(settings_.echoes.size() * settings_.best_of),
      x_ignored_(settings_.head.x_ignored) {
    for (std::size_t job = 0; job < choices_.size(); ++job)
        choices_[job].text = settings_.echoes[job / settings_.best_of];
}

std::string CompletionReply::stream_begin() {
    streams_ = true;
    std::string frames;
    if (settings_.logprobs) return frames;  // An echo comes with its logprobs.
    for (std::size_t job = 0; job < choices_.size(); ++job)
        if (const std::string echo = std::exchange(choices_[job].text, ""); !echo.empty())
            frames += chunk(job, {.text = echo, .details = {}, .finish_reason = ""});
    return frames;
}

std::string CompletionReply::take(std::size_t job, worker::Event<TextOutput> event) {
    Choice& choice = choices_[job];
    if (auto* output = std::get_if<TextOutput>(&event)) {
        if (streams_) {
            const std::string text = std::exchange(choice.text, "") + output->text;
            const std::vector<Logprobs> details =
                joined(std::move(output->prompt_details), std::move(output->details));
            return chunk(job, {.text = text, .details = details, .finish_reason = ""});
        }
        choice.text += output->text;
        choice.prompt_details =
            joined(std::move(choice.prompt_details), std::move(output->prompt_details));
        choice.details = joined(std::move(choice.details), std::move(output->details));
    }
    if (const auto* ended = std::get_if<worker::Ended>(&event)) {
        count(*ended, job);
        const bool cut = ended->stop_reason == worker::StopReason::max_tokens;
        choice.finish_reason = cut ? "length" : "stop";
        if (streams_)
            return chunk(job, {.text = "", .details = {}, .finish_reason = choice.finish_reason});
    }
    return "";
}

void CompletionReply::count(const worker::Ended& ended, std::size_t job) {
    usage_.completion_tokens += ended.tokens_out;
    if (job % settings_.best_of != 0) return;  // The others go on from what the first computed.
    usage_.prompt_tokens += ended.tokens_in;
    usage_.cached_tokens += ended.tokens_cached;
}

JsonObject CompletionReply::choice_json(std::size_t index, Choice& choice, const Part& part) const {
    JsonObject json;
    json.add("text", part.text).add("index", index);
    if (part.details.empty()) choice.offset += worker::count_characters(part.text);
    json.add_json("logprobs",
                  settings_.logprobs && !part.details.empty()
                      ? completion_logprobs(part.details, *settings_.vocabulary, choice.offset)
                      : "null");
    if (settings_.token_ids) json.add("token_ids", ids_of(part.details));
    return part.finish_reason.empty() ? json.add("finish_reason", nullptr)
                                      : json.add("finish_reason", part.finish_reason);
}

std::string CompletionReply::chunk(std::size_t job, const Part& part) {
    JsonObject json = settings_.head.json("text_completion");
    if (!x_ignored_.empty()) json.add_json("x_ignored", std::exchange(x_ignored_, ""));
    json.add("choices", std::vector<JsonObject>{choice_json(job, choices_[job], part)});
    if (settings_.stream_usage == StreamUsage::shown) json.add("usage", nullptr);
    return "data: " + json.text() + "\n\n";
}

std::string CompletionReply::stream_end() {
    if (settings_.stream_usage == StreamUsage::hidden) return "";
    const JsonObject json = settings_.head.json("text_completion")
                                .add("choices", std::vector<JsonObject>{})
                                .add("usage", usage_.json());
    return "data: " + json.text() + "\n\n";
}

std::vector<std::size_t> CompletionReply::told_of(std::size_t prompt) const {
    std::vector<std::size_t> jobs(settings_.best_of);
    std::iota(jobs.begin(), jobs.end(), prompt * settings_.best_of);
    if (settings_.best_of == settings_.n) return jobs;
    std::ranges::stable_sort(jobs, std::greater<>(),
                             [&](std::size_t job) { return mean_logprob(choices_[job].details); });
    jobs.resize(settings_.n);
    return jobs;
}

std::string CompletionReply::body() {
    std::vector<JsonObject> choices;
    for (std::size_t prompt = 0; prompt < settings_.echoes.size(); ++prompt) {
        for (const std::size_t job : told_of(prompt)) {
            Choice& choice = choices_[job];
            if (choice.prompt_details.empty())
                choice.offset = worker::count_characters(settings_.echoes[prompt]);
            const std::vector<Logprobs> details = joined(choice.prompt_details, choice.details);
            choices.push_back(choice_json(
                choices.size(), choice,
                {.text = choice.text, .details = details, .finish_reason = choice.finish_reason}));
        }
    }
    JsonObject json = settings_.head.json("text_completion");
    json.add("choices", choices).add("usage", usage_.json());
    if (!x_ignored_.empty()) json.add_json("x_ignored", x_ignored_);
    return json.text();
}

}  // namespace llm

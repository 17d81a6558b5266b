#include "llm/api/native_routes.h"

#include "llm/api/native_frames.h"
#include "llm/model/length_bound.h"
#include "worker/base/ids.h"
#include "worker/base/json.h"
#include "worker/contract/json_object.h"
#include "worker/http/inference_routes.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace llm {

using worker::JsonObject;

namespace {

using Preparation = worker::Preparation<GenerateJob>;

std::string token_frame(const TextOutput& output, std::uint64_t index) {
    std::string frame;
    append_token_frame(frame, output.text, index);
    return frame;
}

GenerateJob job_of(const GenerateRequest& request, std::vector<Token> prompt,
                   std::uint32_t context_max) {
    GenerateJob job;
    job.prompt = std::move(prompt);
    job.max_tokens = std::min(request.max_tokens, context_max);
    job.sampling = {.temperature = request.temperature,
                    .top_p = request.top_p,
                    .min_p = request.min_p,
                    .repetition_penalty = request.repetition_penalty,
                    .top_k = request.top_k,
                    .repeat_last_n = request.repeat_last_n,
                    .seed = request.seed ? *request.seed : worker::random_u64()};
    job.stop = request.stop;
    job.ignore_eos = request.ignore_eos;
    return job;
}

// From the bytes of a body to a job. Thread: any.
Preparation prepare(const std::string& body, const GenerateRules& rules,
                    const TextModelView& model) {
    const auto refuse = [](const worker::Error& error) {
        return tl::make_unexpected(worker::error_response(error));
    };
    const auto json = worker::parse_json(body);
    if (!json) return refuse(json.error());
    auto request = parse_generate_request(*json, rules);
    if (!request) return tl::make_unexpected(worker::violations_response(request.error()));
    if (const auto known = worker::check_operation(request->operation, "infer"); !known)
        return refuse(known.error());
    const auto longer = surely_longer_than(model.context_max, request->prompt, *model.vocabulary);
    if (!longer) return refuse(longer.error());
    if (*longer) return refuse(too_long(**longer, model.context_max));
    auto prompt = model.vocabulary->tokenize(request->prompt, SpecialTokens::parsed,
                                             LeadingToken::as_model_wants);
    if (!prompt) return refuse(prompt.error());
    if (const auto fits = check_fits(*prompt, model.context_max); !fits)
        return refuse(fits.error());
    const auto units_in = static_cast<std::uint32_t>(prompt->size());
    return worker::PreparedJob<GenerateJob>{
        .job = job_of(*request, std::move(*prompt), model.context_max),
        .wishes = {.job_id = std::move(request->job_id),
                   .stream = request->stream,
                   .priority = request->priority,
                   .operation = std::move(request->operation)},
        .units_in = units_in,
        .text = std::move(request->prompt)};
}

class WholeText final : public worker::WholeReply<TextOutput> {
public:
    explicit WholeText(std::string job_id) : job_id_(std::move(job_id)) {}

    void take(TextOutput output) override { text_ += output.text; }

    std::string body(const worker::CompletedJob& completed) override {
        const worker::Ended& ended = completed.ended;
        return JsonObject()
            .add("job_id", job_id_)
            .add("text", text_)
            .add("tokens_out", ended.tokens_out)
            .add("decode_time_ms", ended.decode_time.count())
            .add("stop_reason", worker::wire_name(ended.stop_reason))
            .add("stop_sequence_matched", ended.stop_sequence_matched)
            .add("seed", completed.seed)
            .text();
    }

private:
    const std::string job_id_;
    std::string text_;
};

std::unique_ptr<worker::WholeReply<TextOutput>> whole_reply(std::string job_id) {
    return std::make_unique<WholeText>(std::move(job_id));
}

}  // namespace

void add_native_routes(worker::Router& router, TextService& service,
                       const NativeSettings& settings) {
    const auto make_prepare = [&service,
                               limits = settings.limits]() -> worker::Prepare<GenerateJob> {
        NativeLimits of_model = limits;
        of_model.context_tokens = service.model.context_max;
        return [rules = generate_rules(of_model), model = service.model](const std::string& body) {
            return prepare(body, rules, model);
        };
    };
    worker::add_inference_routes<GenerateJob, TextOutput>(
        router, service,
        {.prepare = make_prepare,
         .take_caller = [](GenerateJob& job,
                           const std::string& caller) { job.cache_scope = caller; },
         .output_frame = token_frame,
         .whole_reply = whole_reply},
        settings.one_call);
}

}  // namespace llm

#include "embedding/api/native_routes.h"

#include "embedding/api/embedding_list.h"
#include "embedding/api/input_tokens.h"
#include "embedding/api/vector_text.h"
#include "worker/base/json.h"
#include "worker/contract/json_object.h"
#include "worker/http/inference_routes.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace embedding {

using worker::ErrorCode;
using worker::JsonObject;

namespace {

using Preparation = worker::Preparation<EmbedJob>;
using WholeReply = worker::WholeReply<EmbeddingOutput>;

// Appends {"type":"embedding","index","embedding":[…]}, an event a vector.
std::string embedding_frames(const EmbeddingOutput& output, std::uint64_t) {
    std::string frames;
    for (const Embedding& each : output.embeddings) {
        frames += fmt::format(R"(data: {{"type":"embedding","index":{},"embedding":)", each.index);
        append_numbers(frames, each.values);
        frames += "}\n\n";
    }
    return frames;
}

// Errors: invalid_request, naming the first input that cannot be computed.
Result<EmbedJob> job_of(const std::vector<std::string>& inputs, const EmbeddingModelView& model) {
    EmbedJob job;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        auto input = input_tokens(inputs[i], model);
        if (!input) return worker::fail(std::move(input.error()));
        if (input->length == 0)
            return worker::fail(ErrorCode::invalid_request,
                                fmt::format("input {} has no tokens", i));
        if (input->length > model.context_max)
            return worker::fail(
                ErrorCode::invalid_request,
                fmt::format("input {} has {} tokens and the context holds {}: shorten it, or send "
                            "it in parts",
                            i, input->length, model.context_max));
        job.inputs.push_back(std::move(input->tokens));
    }
    return job;
}

std::string joined(const std::vector<std::string>& inputs) {
    return fmt::format("{}", fmt::join(inputs, "\n"));
}

// From the bytes of a body to a job. Thread: any.
Preparation prepare(const std::string& body, const EmbedRules& rules,
                    const EmbeddingModelView& model) {
    const auto refuse = [](const worker::Error& error) {
        return tl::make_unexpected(worker::error_response(error));
    };
    const auto json = worker::parse_json(body);
    if (!json) return refuse(json.error());
    auto request = worker::parse_request(*json, rules);
    if (!request) return tl::make_unexpected(worker::violations_response(request.error()));
    if (const auto known = worker::check_operation(request->operation, "embed"); !known)
        return refuse(known.error());
    auto job = job_of(request->input, model);
    if (!job) return refuse(job.error());
    const std::uint32_t units_in = job->tokens();
    return worker::PreparedJob<EmbedJob>{.job = std::move(*job),
                                         .wishes = {.job_id = std::move(request->job_id),
                                                    .stream = request->stream,
                                                    .priority = request->priority,
                                                    .operation = std::move(request->operation)},
                                         .units_in = units_in,
                                         .text = joined(request->input)};
}

class WholeEmbeddings final : public WholeReply {
public:
    explicit WholeEmbeddings(std::string job_id) : job_id_(std::move(job_id)) {}

    void take(EmbeddingOutput output) override {
        for (const Embedding& each : output.embeddings) {
            std::string item = fmt::format(R"({{"index":{},"embedding":)", each.index);
            append_numbers(item, each.values);
            list_.add(each.index, std::move(item += '}'));
        }
    }

    std::string body(const worker::CompletedJob& completed) override {
        const worker::Ended& ended = completed.ended;
        return list_.in(JsonObject().add("job_id", job_id_), "data",
                        JsonObject()
                            .add("tokens_in", ended.tokens_in)
                            .add("tokens_out", ended.tokens_out)
                            .add("decode_time_ms", ended.decode_time.count())
                            .add("stop_reason", worker::wire_name(ended.stop_reason))
                            .add("seed", completed.seed));
    }

private:
    const std::string job_id_;
    EmbeddingList list_;
};

std::unique_ptr<WholeReply> whole_reply(std::string job_id) {
    return std::make_unique<WholeEmbeddings>(std::move(job_id));
}

}  // namespace

void add_native_routes(worker::Router& router, EmbeddingService& service,
                       const NativeSettings& settings) {
    const auto make_prepare = [&service, limits = settings.limits]() -> worker::Prepare<EmbedJob> {
        return [rules = embed_rules(limits), model = service.model](const std::string& body) {
            return prepare(body, rules, model);
        };
    };
    worker::add_inference_routes<EmbedJob, EmbeddingOutput>(
        router, service,
        {.prepare = make_prepare, .output_frame = embedding_frames, .whole_reply = whole_reply},
        settings.one_call);
}

}  // namespace embedding

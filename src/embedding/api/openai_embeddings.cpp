#include "embedding/api/openai_embeddings.h"

#include "embedding/api/embedding_list.h"
#include "embedding/api/embeddings_request.h"
#include "embedding/api/input_tokens.h"
#include "embedding/api/vector_text.h"
#include "worker/base/ids.h"
#include "worker/contract/json_object.h"
#include "worker/http/deadline.h"
#include "worker/http/job_reply.h"
#include "worker/http/job_routes.h"
#include "worker/openai/body_reading.h"

#include <boost/asio/awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace embedding {

using boost::asio::awaitable;
using worker::JsonObject;
using worker::OpenAiError;
using worker::refuse;
using worker::ReplyWriter;
using worker::Request;

namespace {

constexpr std::string_view remedy = "shorten it, or send it in parts";

// A body that can run.
struct Prepared {
    EmbeddingsRequest request;
    EmbedJob job;
};
using Preparation = tl::expected<Prepared, OpenAiError>;

// How a reply shows vectors.
struct ReplyShape {
    std::string model;  // as the worker calls it
    EncodingFormat encoding_format = EncodingFormat::numbers;
    std::optional<std::uint32_t> dimensions = {};
    std::string x_ignored = {};  // JSON; empty where nothing was ignored
};

tl::expected<std::vector<llm::Token>, OpenAiError> tokens_of(const llm::TextOrTokens& input,
                                                             const std::string& where,
                                                             const EmbeddingModelView& model) {
    const auto too_long = [&](std::size_t tokens) {
        return tl::make_unexpected(
            worker::context_length_exceeded(where, {tokens, model.context_max}, remedy));
    };
    if (const auto* tokens = std::get_if<std::vector<llm::Token>>(&input)) {
        if (tokens->size() > model.context_max) return too_long(tokens->size());
        return *tokens;
    }
    auto read = input_tokens(std::get<std::string>(input), model);
    if (!read) {
        OpenAiError error = openai_error(read.error());
        error.param = where;
        return tl::make_unexpected(std::move(error));
    }
    if (read->length == 0) return refuse(where, where + " has no tokens");
    if (read->length > model.context_max) return too_long(read->length);
    return std::move(read->tokens);
}

// Thread: any.
Preparation prepare(const boost::json::value& body, const EmbeddingModelView& model,
                    const worker::ModelNames& names) {
    if (model.dimensions == 0) return tl::make_unexpected(worker::no_embeddings());
    auto request = parse_embeddings_request(
        body, {.vocabulary_size = model.vocabulary->size(), .dimensions = model.dimensions});
    if (!request) return tl::make_unexpected(std::move(request.error()));
    if (const auto known = check_model(request->model, names); !known)
        return tl::make_unexpected(known.error());
    EmbedJob job;
    const std::size_t count = request->inputs.size();
    for (std::size_t i = 0; i < count; ++i) {
        auto tokens = tokens_of(request->inputs[i], name_of_input(i, count), model);
        if (!tokens) return tl::make_unexpected(std::move(tokens.error()));
        job.inputs.push_back(std::move(*tokens));
    }
    return Prepared{std::move(*request), std::move(job)};
}

// {"object","data","model","usage"}
class EmbeddingsReply final : public worker::WholeReply<EmbeddingOutput> {
public:
    explicit EmbeddingsReply(ReplyShape shape) : shape_(std::move(shape)) {}

    void take(EmbeddingOutput output) override {
        for (const Embedding& each : output.embeddings) list_.add(each.index, item(each));
    }

    // Source: OpenAI, "The embedding object".
    std::string body(const worker::CompletedJob& completed) override {
        const std::uint32_t tokens = completed.ended.tokens_in;
        JsonObject after;
        after.add("model", shape_.model)
            .add("usage", JsonObject().add("prompt_tokens", tokens).add("total_tokens", tokens));
        if (!shape_.x_ignored.empty()) after.add_json("x_ignored", shape_.x_ignored);
        return list_.in(JsonObject().add("object", "list"), "data", after);
    }

private:
    std::string item(const Embedding& embedding) const {
        std::string item =
            fmt::format(R"({{"object":"embedding","index":{},"embedding":)", embedding.index);
        const std::vector<float> values = shape_.dimensions
                                              ? shortened(embedding.values, *shape_.dimensions)
                                              : std::vector<float>();
        append(item, shape_.dimensions ? values : embedding.values);
        return item += '}';
    }

    void append(std::string& item, const std::vector<float>& values) const {
        if (shape_.encoding_format == EncodingFormat::base64)
            append_base64(item, values);
        else
            append_numbers(item, values);
    }

    const ReplyShape shape_;
    EmbeddingList list_;
};

// The routes' state. Constant after construction. Thread: io.
class OpenAiEmbeddings {
public:
    OpenAiEmbeddings(EmbeddingService& service, const worker::ModelNames& names)
        : service_(service), names_(std::make_shared<const worker::ModelNames>(names)) {}

    awaitable<void> embed(Request& request, ReplyWriter& reply) {
        if (const auto refusal = service_.scheduler.refusal()) {
            reply.send(worker::openai_refusal(*refusal, service_.board));
            co_return;
        }
        Preparation prepared = co_await read(request);
        if (prepared) {
            const auto objection = strict_objection(request.fields, prepared->request.ignored);
            if (objection) prepared = tl::make_unexpected(*objection);
        }
        if (!prepared) {
            reply.send(to_response(prepared.error()));
            co_return;
        }
        EmbeddingsReply whole(shape_of(prepared->request));
        auto job = submit(std::move(*prepared), request);
        if (!job) {
            reply.send(worker::openai_refusal(job.error(), service_.board));
            co_return;
        }
        auto body = co_await worker::complete_job(std::move(*job), whole);
        if (body)
            reply.send({.body = std::move(*body)});
        else
            reply.send(worker::openai_error_response(body.error()));
    }

private:
    awaitable<Preparation> read(Request& request) {
        worker::BodyReading<Prepared> reading = [model = service_.model,
                                                 names = names_](const boost::json::value& body) {
            return prepare(body, model, *names);
        };
        return worker::read_body(request, service_.codec, std::move(reading));
    }

    ReplyShape shape_of(const EmbeddingsRequest& request) const {
        ReplyShape shape{.model = service_.model_ref,
                         .encoding_format = request.encoding_format,
                         .dimensions = request.dimensions};
        if (!request.ignored.empty())
            shape.x_ignored = boost::json::serialize(ignored_json(request.ignored));
        return shape;
    }

    Result<worker::JobStream<EmbeddingOutput>> submit(Prepared prepared, const Request& request) {
        const auto deadline =
            worker::job_deadline(request, service_.clock, service_.request_timeout, service_.log);
        if (!deadline) return worker::fail(deadline.error());
        log_inputs(prepared.request, request);
        worker::JobTerms terms{.job_id = "embd-" + worker::random_hex(32),
                               .correlation_id = request.correlation_id,
                               .caller = worker::fairness_caller(request),
                               .owner = request.caller,
                               .priority = prepared.request.priority,
                               .deadline = *deadline,
                               .units_in = prepared.job.tokens()};
        return service_.jobs.submit_owned(std::move(prepared.job), std::move(terms));
    }

    void log_inputs(const EmbeddingsRequest& embeddings, const Request& request) const {
        if (!service_.log_content) return;
        std::string text;
        for (const llm::TextOrTokens& input : embeddings.inputs)
            text += text_of(input, *service_.model.vocabulary) + '\n';
        service_.log.write(worker::LogLevel::info, "prompt",
                           {{"correlation_id", request.correlation_id}, {"text", text}});
    }

    EmbeddingService& service_;
    const std::shared_ptr<const worker::ModelNames> names_;
};

}  // namespace

void add_openai_embeddings(worker::Router& router, EmbeddingService& service,
                           const worker::ModelNames& names) {
    const auto routes = std::make_shared<OpenAiEmbeddings>(service, names);
    for (const char* path : {"/v1/embeddings", "/openai/v1/embeddings"})
        router.add(
            {.method = "POST",
             .pattern = path,
             .handler = [routes](Request& request,
                                 ReplyWriter& reply) { return routes->embed(request, reply); },
             .error_shape = worker::openai_error_response,
             .json_body = true});
}

}  // namespace embedding

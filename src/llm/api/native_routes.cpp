#include "llm/api/native_routes.h"

#include "llm/api/native_frames.h"
#include "llm/text/length_bound.h"
#include "worker/base/ids.h"
#include "worker/base/json.h"
#include "worker/contract/error_body.h"
#include "worker/http/deadline.h"
#include "worker/http/event_writer.h"
#include "worker/http/job_reply.h"
#include "worker/http/job_routes.h"
#include "worker/http/message.h"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace llm {

using boost::asio::awaitable;
using worker::ErrorCode;
using worker::JsonObject;
using worker::ReplyWriter;
using worker::Request;
using worker::Response;

namespace {

// Smaller bodies are parsed and tokenised on the io thread, in less time than a trip to another
// thread and back takes; larger ones would hold up /health.
constexpr std::size_t inline_body_bytes = 4 << 10;

// A body that can run: either all of it is in order, or there is a reply that says what is not.
struct PreparedJob {
    GenerateRequest request;
    GenerateJob job;
    worker::JobTerms terms = {};  // filled in on the io thread
};
using Prepared = tl::expected<PreparedJob, Response>;

std::string token_frame(const TextOutput& output, std::uint64_t index) {
    std::string frame;
    append_token_frame(frame, output.text, index);
    return frame;
}

Response violations_response(const worker::Violations& violations) {
    return {.status = worker::http_status(violations), .body = worker::violations_body(violations)};
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
Prepared prepare(const std::string& body, const GenerateRules& rules, const TextModelView& model) {
    const auto refuse = [](const worker::Error& error) {
        return tl::make_unexpected(worker::error_response(error));
    };
    const auto json = worker::parse_json(body);
    if (!json) return refuse(json.error());
    auto request = parse_generate_request(*json, rules);
    if (!request) return tl::make_unexpected(violations_response(request.error()));
    if (request->operation.value_or("infer") != "infer")
        return refuse({ErrorCode::invalid_request, "this worker's only operation is \"infer\"",
                       std::nullopt});
    const auto longer = surely_longer_than(model.context_max, request->prompt, *model.vocabulary);
    if (!longer) return refuse(longer.error());
    if (*longer) return refuse(too_long(**longer, model.context_max));
    auto prompt = model.vocabulary->tokenize(request->prompt, SpecialTokens::parsed,
                                             LeadingToken::as_model_wants);
    if (!prompt) return refuse(prompt.error());
    if (const auto fits = check_fits(*prompt, model.context_max); !fits)
        return refuse(fits.error());
    GenerateJob job = job_of(*request, std::move(*prompt), model.context_max);
    return PreparedJob{std::move(*request), std::move(job)};
}

// What a POST is answered with.
enum class ReplyKind : std::uint8_t { job, stream, whole };

// Source: wire contract, 4.2. An explicit `stream` says more than the hints do.
ReplyKind reply_kind(const GenerateRequest& body, const Request& request, OneCall one_call) {
    if (body.operation) return ReplyKind::job;
    if (body.stream) return *body.stream ? ReplyKind::stream : ReplyKind::whole;
    const bool streams =
        body.job_id || worker::accepts_events(request) || one_call == OneCall::by_default;
    return streams ? ReplyKind::stream : ReplyKind::job;
}

// The routes' state. Constant after construction but for the rules, which follow the context.
class NativeRoutes {
public:
    NativeRoutes(TextService& service, const NativeSettings& settings)
        : service_(service), settings_(settings) {}

    // POST /v1/inference
    awaitable<void> infer(Request& request, ReplyWriter& reply) {
        std::optional<PreparedJob> prepared = co_await prepare_or_refuse(request, reply);
        if (!prepared) co_return;
        switch (reply_kind(prepared->request, request, settings_.one_call)) {
            case ReplyKind::job: return_job(std::move(*prepared), "/v1/inference", reply); break;
            case ReplyKind::stream: co_await stream(std::move(*prepared), request, reply); break;
            case ReplyKind::whole: co_await whole(std::move(*prepared), reply); break;
        }
    }

    // POST /v1/jobs
    awaitable<void> make_job(Request& request, ReplyWriter& reply) {
        std::optional<PreparedJob> prepared = co_await prepare_or_refuse(request, reply);
        if (prepared) return_job(std::move(*prepared), "/v1/jobs", reply);
    }

private:
    // Nothing when the reply has been sent.
    awaitable<std::optional<PreparedJob>> prepare_or_refuse(Request& request, ReplyWriter& reply) {
        if (const auto refusal = service_.scheduler.refusal()) {
            reply.send(refused(*refusal));
            co_return std::nullopt;
        }
        Prepared prepared = co_await prepare_request(request);
        if (!prepared) {
            reply.send(std::move(prepared.error()));
            co_return std::nullopt;
        }
        const auto deadline =
            worker::job_deadline(request, service_.clock, service_.request_timeout, service_.log);
        if (!deadline) {
            reply.send(worker::error_response(deadline.error()));
            co_return std::nullopt;
        }
        log_prompt(*prepared, request);
        prepared->job.cache_scope = request.caller;
        prepared->terms = {.job_id = prepared->request.job_id.value_or("job-" + worker::uuid_v4()),
                           .correlation_id = request.correlation_id,
                           .caller = worker::fairness_caller(request),
                           .owner = request.caller,
                           .priority = prepared->request.priority,
                           .deadline = *deadline,
                           .units_in = static_cast<std::uint32_t>(prepared->job.prompt.size())};
        co_return std::move(*prepared);
    }

    void log_prompt(const PreparedJob& prepared, const Request& request) const {
        if (!service_.log_content) return;
        service_.log.write(
            worker::LogLevel::info, "prompt",
            {{"correlation_id", request.correlation_id}, {"text", prepared.request.prompt}});
    }

    awaitable<Prepared> prepare_request(Request& request) {
        if (!rules_) rules_ = make_rules();
        if (request.body.size() <= inline_body_bytes)
            co_return prepare(request.body, *rules_, service_.model);
        // The work owns its input: the client, and this coroutine with it, may leave meanwhile.
        auto body = std::make_shared<const std::string>(std::move(request.body));
        auto work = [body, rules = rules_, model = service_.model]() -> Result<Prepared> {
            return prepare(*body, *rules, model);
        };
        Result<Prepared> prepared = co_await service_.codec.run(std::move(work));
        if (!prepared) co_return tl::make_unexpected(refused(prepared.error()));
        co_return std::move(*prepared);
    }

    std::shared_ptr<const GenerateRules> make_rules() const {
        NativeLimits limits = settings_.limits;
        limits.context_tokens = service_.model.context_max;
        return std::make_shared<const GenerateRules>(generate_rules(limits));
    }

    void return_job(PreparedJob prepared, const char* routes, ReplyWriter& reply) {
        const std::string job_id = prepared.terms.job_id;
        const auto taken =
            service_.jobs.submit_kept(std::move(prepared.job), std::move(prepared.terms));
        reply.send(taken ? worker::job_response(job_id, routes) : refused(taken.error()));
    }

    awaitable<void> stream(PreparedJob prepared, const Request& request, ReplyWriter& reply) {
        const std::string job_id = prepared.terms.job_id;
        auto job = service_.jobs.submit_owned(std::move(prepared.job), std::move(prepared.terms));
        if (!job) {
            reply.send(refused(job.error()));
            co_return;
        }
        worker::EventWriter writer({service_.board, service_.clock}, job_id, service_.model_ref,
                                   worker::EventDetail::all);
        worker::StreamReply<TextOutput> stream{.reply = reply,
                                               .clock = service_.clock,
                                               .writer = std::move(writer),
                                               .output_frame = token_frame,
                                               .keep_alive = worker::keep_alive_for(request)};
        co_await worker::stream_job(std::move(*job), std::move(stream));
    }

    awaitable<void> whole(PreparedJob prepared, ReplyWriter& reply) {
        const std::string job_id = prepared.terms.job_id;
        auto job = service_.jobs.submit_owned(std::move(prepared.job), std::move(prepared.terms));
        if (!job) {
            reply.send(refused(job.error()));
            co_return;
        }
        const auto completed = co_await worker::complete_job(std::move(*job));
        reply.send(completed ? whole_response(job_id, *completed)
                             : worker::error_response(completed.error()));
    }

    static Response whole_response(const std::string& job_id,
                                   const worker::CompletedJob<TextOutput>& completed) {
        const worker::Ended& ended = completed.ended;
        return {.body = JsonObject()
                            .add("job_id", job_id)
                            .add("text", completed.output.text)
                            .add("tokens_out", ended.tokens_out)
                            .add("decode_time_ms", ended.decode_time.count())
                            .add("stop_reason", worker::wire_name(ended.stop_reason))
                            .add("stop_sequence_matched", ended.stop_sequence_matched)
                            .add("seed", completed.seed)
                            .text()};
    }

    // A refusal at the door; a full queue has a shape of its own. Source: wire contract, 5.
    Response refused(const worker::Error& error) const {
        Response response = worker::error_response(error);
        const worker::WorkerStatus status = service_.board.read();
        if (error.code == ErrorCode::all_slots_busy)
            response.body = worker::all_slots_busy_body(
                error, {status.backend.slots_total, status.backend.slots_busy});
        response.close = status.life == worker::LifeState::draining;
        return response;
    }

    TextService& service_;
    const NativeSettings settings_;
    std::shared_ptr<const GenerateRules> rules_;  // once the model is loaded
};

}  // namespace

void add_native_routes(worker::Router& router, TextService& service,
                       const NativeSettings& settings) {
    const auto routes = std::make_shared<NativeRoutes>(service, settings);
    router.add({.method = "POST",
                .pattern = "/v1/inference",
                .handler = [routes](Request& request,
                                    ReplyWriter& reply) { return routes->infer(request, reply); },
                .json_body = true});
    router.add(
        {.method = "POST",
         .pattern = "/v1/jobs",
         .handler = [routes](Request& request,
                             ReplyWriter& reply) { return routes->make_job(request, reply); },
         .json_body = true});
    worker::add_job_routes<GenerateJob, TextOutput>(router, {.jobs = service.jobs,
                                                             .board = service.board,
                                                             .clock = service.clock,
                                                             .model_ref = service.model_ref,
                                                             .output_frame = token_frame});
}

}  // namespace llm

#include "llm/api/completions/openai_routes.h"

#include "llm/api/completions/answer.h"
#include "llm/api/completions/lazy_grammars.h"
#include "llm/api/completions/listed_model.h"
#include "llm/api/completions/preparation.h"
#include "llm/api/tokens/tokenizer_routes.h"
#include "worker/base/ids.h"
#include "worker/http/deadline.h"
#include "worker/http/job_routes.h"
#include "worker/openai/body_reading.h"
#include "worker/openai/ignored_parameters.h"
#include "worker/openai/model_routes.h"
#include "worker/openai/openai_error.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace llm {

using boost::asio::awaitable;
using worker::openai_error_response;
using worker::OpenAiError;
using worker::PlainAnswer;
using worker::ReplyWriter;
using worker::Request;
using worker::Response;

namespace {

// What a body means, in one of the ways of preparation.h.
template <class Value>
using Reading = tl::expected<Value, OpenAiError> (*)(const boost::json::value& body,
                                                     const PreparationContext& context);

// However small: what of a schema can be enforced is found by trying.
bool may_take_long(const boost::json::value& body) {
    const boost::json::object* object = body.if_object();
    return object != nullptr && (object->contains("response_format") ||
                                 object->contains("json_schema") || object->contains("tools"));
}

// The routes' state. Thread: io.
class OpenAiRoutes {
public:
    OpenAiRoutes(TextService& service, const OpenAiSettings& settings)
        : service_(service), settings_(std::make_shared<const OpenAiSettings>(settings)) {}

    awaitable<void> chat(Request& request, ReplyWriter& reply) {
        return complete(request, reply, prepare_chat);
    }
    awaitable<void> completion(Request& request, ReplyWriter& reply) {
        return complete(request, reply, prepare_completion);
    }

    // POST /v1/chat/completions/render
    awaitable<void> render(Request& request, ReplyWriter& reply) {
        if (const auto refusal = service_.scheduler.refusal()) {
            reply.send(refused(*refusal));
            co_return;
        }
        auto rendered = co_await read<PlainAnswer>(request, render_chat);
        reply.send(to_response(std::move(rendered), request.fields));
    }

    // POST /v1/embeddings
    awaitable<void> embed(Request&, ReplyWriter& reply) {
        reply.send(to_response(worker::no_embeddings()));
        co_return;
    }

private:
    awaitable<void> complete(Request& request, ReplyWriter& reply, Reading<Prepared> reading) {
        if (const auto refusal = service_.scheduler.refusal()) {
            reply.send(refused(*refusal));
            co_return;
        }
        Preparation prepared = co_await read<Prepared>(request, reading);
        if (prepared) {
            const auto objection = strict_objection(request.fields, prepared->generation.ignored);
            if (objection) prepared = tl::make_unexpected(*objection);
        }
        if (prepared && prepared->grammar) prepared = co_await constrain(std::move(*prepared));
        if (!prepared) {
            reply.send(to_response(prepared.error()));
            co_return;
        }
        const auto executor = co_await boost::asio::this_coro::executor;
        worker::JobGroup<TextOutput> jobs(executor);
        if (const auto submitted = submit(*prepared, request, jobs); !submitted) {
            reply.send(refused(submitted.error()));
            co_return;
        }
        const Answer answer{
            .jobs = jobs, .shape = *prepared->reply, .reply = reply, .clock = service_.clock};
        if (prepared->generation.stream)
            co_await stream_answer(answer);
        else
            co_await send_answer(answer);
    }

    PreparationContext context() const {
        return {.model = service_.model,
                .settings = settings_,
                .model_ref = service_.model_ref,
                .now = service_.clock.wall_now()};
    }

    template <class Value>
    awaitable<tl::expected<Value, OpenAiError>> read(Request& request, Reading<Value> reading) {
        worker::BodyReading<Value> read = [reading, context = context()](const auto& body) {
            return reading(body, context);
        };
        return worker::read_body(request, service_.codec, std::move(read), may_take_long);
    }

    // Compiles the grammar, once a job, since each follows it by itself.
    awaitable<Preparation> constrain(Prepared prepared) {
        using Constraints = std::vector<std::unique_ptr<TokenConstraint>>;
        auto work = [spec = prepared.grammar->spec, count = prepared.jobs.size(),
                     grammars = service_.model.grammars]() -> Result<Constraints> {
            Constraints constraints;
            while (constraints.size() < count) {
                auto constraint = grammars->constrain(spec);
                if (!constraint) return worker::fail(std::move(constraint.error()));
                constraints.push_back(std::move(*constraint));
            }
            return constraints;
        };
        auto constraints = co_await service_.codec.run(std::move(work));
        if (!constraints) {
            OpenAiError error = openai_error(constraints.error());
            if (error.status == 400) error.param = prepared.grammar->param;
            co_return tl::make_unexpected(std::move(error));
        }
        for (std::size_t i = 0; i < prepared.jobs.size(); ++i)
            prepared.jobs[i].constraint = std::move((*constraints)[i]);
        co_return prepared;
    }

    Result<void> submit(Prepared& prepared, const Request& request,
                        worker::JobGroup<TextOutput>& jobs) {
        const auto deadline =
            worker::job_deadline(request, service_.clock, service_.request_timeout, service_.log);
        if (!deadline) return worker::fail(deadline.error());
        log_prompt(prepared, request);
        for (std::size_t i = 0; i < prepared.jobs.size(); ++i) {
            GenerateJob& job = prepared.jobs[i];
            job.cache_scope = job.prompt_logprobs
                                  ? worker::uuid_v4()
                                  : request.caller + '\n' + prepared.generation.cache_salt;
            worker::JobTerms terms{
                .job_id = i == 0 ? prepared.id : prepared.id + "-" + std::to_string(i),
                .correlation_id = request.correlation_id,
                .caller = worker::fairness_caller(request),
                .owner = request.caller,
                .priority = prepared.generation.priority,
                .deadline = *deadline,
                .units_in = static_cast<std::uint32_t>(job.prompt.size())};
            auto submitted = service_.jobs.submit_owned(std::move(job), std::move(terms));
            if (!submitted) return worker::fail(submitted.error());
            jobs.add(std::move(*submitted));
        }
        return {};
    }

    void log_prompt(const Prepared& prepared, const Request& request) const {
        if (!service_.log_content) return;
        service_.log.write(
            worker::LogLevel::info, "prompt",
            {{"correlation_id", request.correlation_id}, {"text", prepared.prompt_text}});
    }

    Response refused(const worker::Error& error) const {
        return worker::openai_refusal(error, service_.board);
    }

    TextService& service_;
    const std::shared_ptr<const OpenAiSettings> settings_;
};

}  // namespace

void add_openai_routes(worker::Router& router, TextService& service,
                       const OpenAiSettings& settings) {
    const auto routes = std::make_shared<OpenAiRoutes>(service, settings);
    using Serve = awaitable<void> (OpenAiRoutes::*)(Request&, ReplyWriter&);
    const std::pair<const char*, Serve> served[] = {
        {"/v1/chat/completions", &OpenAiRoutes::chat},
        {"/v1/chat/completions/render", &OpenAiRoutes::render},
        {"/v1/completions", &OpenAiRoutes::completion},
        {"/v1/embeddings", &OpenAiRoutes::embed},
    };
    for (const char* prefix : {"", "/openai"})
        for (const auto& [path, serve] : served)
            router.add({.method = "POST",
                        .pattern = std::string(prefix) + path,
                        .handler =
                            [routes, serve](Request& request, ReplyWriter& reply) {
                                return (*routes.*serve)(request, reply);
                            },
                        .error_shape = openai_error_response,
                        .json_body = true});
    worker::add_model_routes(router, settings.model, [&service] { return listed(service); });
    add_tokenizer_routes(router, {.codec = service.codec,
                                  .vocabulary = [&service] { return service.model.vocabulary; }});
}

}  // namespace llm
